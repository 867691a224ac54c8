"""One of everything added from outside, and the whole product used with it: what docs/extending.md says, run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from veilseg import EncryptedImage, catalog
from veilseg.audit.registry import ATTACKS
from veilseg.cli.main import main
from veilseg.data.registry import KINDS
from veilseg.models.networks.registry import NETWORKS

RECIPE = """
model: {architecture: linear, input: median}
data:
  train: [{source: "stripes:6"}]
  val: {source: "stripes:2"}
augment: {crop: [36, 36]}
train: {steps: 2, batch: 2, validate_every: 2, average: 0}
machine: {workers: 0}
"""


@pytest.fixture(scope="module", autouse=True)
def toys() -> Iterator[None]:
    """Import what registers itself, and take it out again: other tests go through these tables."""
    tables: tuple[dict[str, Any], ...] = (catalog.CATALOG, ATTACKS, KINDS, NETWORKS)
    before = [dict(table) for table in tables]
    for name in ("toy_cipher", "toy_attack", "toy_data", "toy_network"):
        import_module(f"tests.extending.{name}")
    yield
    for table, rows in zip(tables, before, strict=True):
        table.clear()
        table.update(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.extending.toy_data import Stripes

    folder = tmp_path_factory.mktemp("extending")
    for name in ("one", "two"):
        pixels = Stripes(3)[len(name) - 2].image
        (folder / "photos").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def test_encrypt_and_inspect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("encrypt", folder / "photos" / "one.png", "-o", folder / "one.png", "--cipher", "median")
    run("inspect", folder / "one.png")
    assert "A mosaic of medians, 12 x 12 pixels." in " ".join(capsys.readouterr().out.split())
    stored = EncryptedImage.open(folder / "one.png").pixels
    assert (stored[:4, :4] == stored[0, 0]).all()


def test_array_and_tensor_agree() -> None:
    import torch

    from veilseg import cipher

    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    made = cipher("median", sub_block=8)
    tensor = made.reduce_tensor(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    np.testing.assert_array_equal(tensor[0].permute(1, 2, 0).numpy(), made.reduce(pixels))


def test_train_and_segment(folder: Path) -> None:
    run("train", folder / "recipe.yaml", "-o", folder / "run")
    config = json.loads((folder / "run" / "config.json").read_text())
    assert config["input"] == {"cipher": "median", "block": 12, "sub_block": 12}
    run("encrypt", folder / "photos", "-o", folder / "encrypted", "--cipher", "median")
    run("segment", folder / "encrypted", "-o", folder / "maps", "--model", folder / "run")
    assert {np.array(Image.open(path)).shape for path in (folder / "maps").iterdir()} == {(64, 64)}
    run("evaluate", "--data", "stripes:2", "--model", folder / "run", "--json", folder / "scores.json")
    assert json.loads((folder / "scores.json").read_text())["input"]["cipher"] == "median"


def test_audit(folder: Path) -> None:
    audit = folder / "audit"
    run("audit", "--cipher", "median", "--images", folder / "photos", "--attack", "blur", "-o", audit)
    (result,) = json.loads((audit / "audit.json").read_text())["ciphers"]
    assert [attack["name"] for attack in result["attacks"]] == ["blur"]
