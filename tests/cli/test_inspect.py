"""`veilseg inspect`: the header, and what the catalogue says of its cipher."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.pngs import join, split
from veilseg.catalog import CATALOG


@pytest.mark.parametrize("name", CATALOG)
def test_table_and_json(cli, photo: Path, name: str) -> None:
    row = CATALOG[name]
    cli("keygen", "-o", "my.key")
    key = ["--key", "my.key"] if row.key != "none" else []
    assert cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", name, *key).code == 0
    done = cli("inspect", "veiled.png", "--json")
    facts = json.loads(done.text)
    assert done.code == 0
    assert (facts["cipher"], facts["block"], facts["height"], facts["width"]) == (
        name,
        12 if row.sub_blocks else 16,
        25,
        37,
    )
    assert facts["bytes"] == Path("veiled.png").stat().st_size
    assert (facts["family"], facts["key"]) == (row.family, row.key)
    assert facts["gives_away"] == row.visible.format(s=12)
    table = cli("inspect", "veiled.png").text
    assert re.search(rf"^cipher +{name} *$", table, re.MULTILINE)
    assert re.search(rf"^family +{row.family} *$", table, re.MULTILINE)
    assert " ".join(facts["gives_away"].split()[:4]) in " ".join(table.split())
    fingerprint = cli("keygen", "--fingerprint", "my.key").text.strip()
    assert (fingerprint in table) == (fingerprint in facts["decrypts"]) == bool(key)
    assert ("nobody" in facts["decrypts"]) != bool(key)


def test_a_key_that_was_not_kept(cli, photo: Path) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", "subblock-shuffle")
    facts = json.loads(cli("inspect", "veiled.png", "--json").text)
    assert facts["key"] == "optional"
    assert facts["decrypts"].startswith("nobody")
    assert "key_fingerprint" not in facts


def test_an_unknown_cipher_is_not_described(cli, photo: Path) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png")
    parts = split(Path("veiled.png").read_bytes())
    chunks = [(kind, data.replace(b"subblock-sort", b"subblock-last")) for kind, data in parts]
    Path("later.png").write_bytes(join(chunks))
    done = cli("inspect", "later.png")
    assert (done.code, done.out) == (1, b"")
    assert "unknown cipher 'subblock-last'" in done.err


def test_stdin(cli, photo: Path) -> None:
    veiled = cli("encrypt", "photo.png", "-o", "-").out
    assert json.loads(cli("inspect", "-", "--json", stdin=veiled).text)["width"] == 37


def test_other_files(cli, photo: Path) -> None:
    done = cli("inspect", "photo.png")
    assert (done.code, done.out) == (1, b"")
    assert done.err.startswith("error: this PNG is not an encrypted image\nhint: ")
    assert cli("inspect", "missing.png").code == 1


def test_a_shipped_model(cli) -> None:
    done = cli("inspect", "default", "--json")
    facts = json.loads(done.text)
    assert done.code == 0
    assert (facts["network"], facts["reads"]) == ("convseg", "subblock-sort, block 12, sub-block 12")
    assert facts["accepts"] == ["subblock-sort", "subblock-shuffle"]
    assert facts["classes"][:2] == ["sky", "building"]
    assert facts["working_size"] == 480
    assert facts["figures"]["mIoU"] == 64.85
    assert facts["licence"].startswith("Apache-2.0")
    assert facts["files"]["model.onnx"] > 1e6
    table = cli("inspect", "default").text
    assert re.search(r"^parameters +3,785,068 *$", table, re.MULTILINE)
    assert "mIoU 64.85" in table


def test_a_folder_is_a_model(cli, tmp_path: Path) -> None:
    """An encrypted one, with a card; parameters are those that torch counts."""
    models = pytest.importorskip("veilseg.models")
    network = models.create_model("convseg", classes=("a", "b"), widths=[8, 8], depths=[0, 1], decoder_width=8)
    models.save_model(network, "mine")
    cli("keygen", "-o", "my.key")
    fingerprint = cli("keygen", "--fingerprint", "my.key").text.strip()
    assert cli("encrypt-model", "plain", "--key", "my.key", "-o", "locked").code == 0
    Path("locked/README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    plain, locked = (json.loads(cli("inspect", name, "--json").text) for name in ("mine", "locked"))
    assert plain["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert (plain["reads"], plain["encrypted"][:2], plain["figures"]) == ("plain images", "no", None)
    assert plain["licence"] is None
    assert locked["encrypted"] == f"yes, for the key of fingerprint {fingerprint}"
    assert (locked["reads"], locked["licence"]) == ("patch-permutation, block 16", "cc-by-4.0")
    assert "not stated" in cli("inspect", "mine").text
    weights = Path("mine/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:20])
    done = cli("inspect", "mine")
    assert done.code == 1
    assert "is damaged or no safetensors file" in done.err


def test_a_folder_without_a_model(cli, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    done = cli("inspect", "photos")
    assert (done.code, done.out) == (1, b"")
    assert "no readable config.json in photos" in done.err


def test_a_training_that_has_not_ended(cli, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.json").write_text("{}")
    for command in (("inspect", "run"), ("evaluate", "--model", "run", "--data", "scenes:1")):
        done = cli(*command)
        assert done.code == 1
        assert "the training in run has not ended" in done.err
        assert "go on with the command that began it" in done.err
