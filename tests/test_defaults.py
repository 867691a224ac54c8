"""What encrypts, what is trained and what ships agree where nobody says otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from veilseg import catalog
from veilseg.cli.main import main
from veilseg.modelconfig import ModelConfig, shipped_models
from veilseg.models import create_model
from veilseg.training.load import from_dict, load_recipe
from veilseg.training.recipe import Recipe

RESULTS = Path(__file__).parents[1] / "results"
SHIPPED = ModelConfig.load(shipped_models()["default"])


def test_the_cipher(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(photo)
    assert main(["encrypt", str(photo), "-o", str(tmp_path / "sent.png")]) == 0
    (tmp_path / "empty.yaml").write_text("")
    recipe = load_recipe(tmp_path / "empty.yaml").model.cipher
    assert recipe is not None
    for spec in (
        veilseg.cipher(catalog.DEFAULT_CIPHER).spec,
        veilseg.EncryptedImage.open(tmp_path / "sent.png").header.spec,
        recipe.spec,
        create_model("convseg", num_classes=2, input="canonical").config.input.encryption,
    ):
        assert spec == SHIPPED.input.encryption
    assert recipe.spec.sub_block == catalog.DEFAULT_SUB_BLOCK


def test_the_working_size() -> None:
    web = Path(veilseg.__file__).parent / "server" / "web" / "catalog.json"
    assert json.loads(web.read_text())["defaults"]["longer_side"] == catalog.DEFAULT_LONGER_SIDE
    assert Recipe().data.longer_side == SHIPPED.longer_side == catalog.DEFAULT_LONGER_SIDE


@pytest.mark.parametrize("sub_block", [None, 4, 8, 12, 20, 24, 28, 32])
def test_crops_hold_whole_blocks(sub_block: int | None) -> None:
    recipe = from_dict({"model": {"sub_block": sub_block}})
    assert recipe.model.cipher is not None
    assert all(side % recipe.model.cipher.spec.block == 0 and 200 < side <= 240 for side in recipe.augment.crop)


def test_short_runs_have_a_shorter_average() -> None:
    found = {steps: from_dict({"train": {"steps": steps}}).train.average for steps in (1, 100, 2500, 4500)}
    assert found == {1: 0.0, 100: 0.95, 2500: 0.998, 4500: 0.998}
    assert from_dict({"train": {"steps": 100, "average": 0.998}}).train.average == 0.998


@pytest.mark.parametrize(
    ("name", "result"), [("default", "default-sort"), ("sort8", "sort8"), ("sort4", "sort4"), ("plain", "plain")]
)
def test_shipped_models_carry_the_figures_that_were_measured(name: str, result: str) -> None:
    measured = json.loads((RESULTS / f"camvid-val-{result}.json").read_text())
    made = ModelConfig.load(shipped_models()[name]).training
    for score in ("aAcc", "mIoU", "mAcc"):
        assert made[f"val_{score.lower()}"] == round(measured[score], 2)
