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
