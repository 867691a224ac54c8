"""Every shipped recipe builds and makes two steps on data of the right shape, with every decoder and sub-block."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.test_recipe import RECIPES

from veilseg.models import save_model
from veilseg.training.dry_run import StandIn, dry_run
from veilseg.training.load import load_recipe
from veilseg.training.start import new_model

FORMS = [
    (path, override)
    for path in RECIPES
    for override in (
        [f"model.architecture=setr-{decoder}" for decoder in ("naive", "mla", "pup")]
        if path.stem.startswith("p2")
        else ["model.sub_block=4", "model.sub_block=8", "model.sub_block=16"]
        if path.stem.startswith("camvid") and "plain" not in path.stem
        else ["train.seed=1"]
    )
]
# A ViT-B on crops of 768 pixels takes a minute and a half of one core: one recipe of each dataset runs at full size.
FULL = {("p1-cityscapes-shuffled", "train.seed=1"), ("p2-ade20k", "model.architecture=setr-pup")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "override"), FORMS, ids=lambda value: getattr(value, "stem", str(value).split("=")[-1])
)
def test_recipes_run(path: Path, override: str, tmp_path: Path) -> None:
    overrides = [override]
    if path.stem.startswith("p") and (path.stem, override) not in FULL:  # as built, but for the size of the crops
        size = "[96, 96]"
        vit = f"{{backbone: vit_base_patch16_384, image_size: {size}}}"
        overrides += [f"augment.crop={size}", f"train.window={size}", f"model.arguments={vit}"]
    if path.stem.startswith("camvid"):
        overrides.append("augment.crop=[64, 64]")
        plain = load_recipe(path, ["model.input=plain"])
        save_model(new_model(plain, StandIn("camvid")), tmp_path / "teacher")
        if plain.method.teacher is not None:
            overrides.append(f"method.teacher={tmp_path / 'teacher'}")
    assert 0 < dry_run(load_recipe(path, overrides)) < 100
