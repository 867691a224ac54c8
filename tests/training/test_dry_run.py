"""Every shipped recipe builds and makes two steps on data of the right shape, with every decoder and sub-block."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.test_recipe import RECIPES

from veilseg import catalog
from veilseg.keys import Key
from veilseg.models import save_model
from veilseg.training.dry_run import StandIn, dry_run
from veilseg.training.load import load_recipe
from veilseg.training.start import new_model

DECODERS = [f"model.architecture=setr-{decoder}" for decoder in ("naive", "mla", "pup")]
SUB_BLOCKS = [f"model.sub_block={s}" for s in (4, 8, 16)]
CONVENTIONAL = [f"model.input={cipher}" for cipher in catalog.of_family("conventional")]
#: What the comments in the recipes say is to be varied.
VARIED = {
    **dict.fromkeys(("kiya-cityscapes", "kiya-ade20k", "camvid-dinov2"), DECODERS),
    **dict.fromkeys(
        ("camvid-sort", "camvid-distil", "camvid-mosaic", "camvid-quartiles", "camvid-shuffled"), SUB_BLOCKS
    ),
    "camvid-conventional": CONVENTIONAL,
}
FORMS = [(path, override) for path in RECIPES for override in VARIED.get(path.stem, ["train.seed=1"])]
# A ViT-B on crops of 768 pixels takes a minute and a half of one core: one recipe of each dataset runs at full size.
FULL = {("hirose-cityscapes-shuffled", "train.seed=1"), ("kiya-ade20k", "model.architecture=setr-pup")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "override"), FORMS, ids=lambda value: getattr(value, "stem", str(value).split("=")[-1])
)
def test_recipes_run(path: Path, override: str, tmp_path: Path) -> None:
    overrides = [override]
    small = path.stem.startswith("camvid")
    if not small and (path.stem, override) not in FULL:  # as built, but for the size of the crops
        size = "[96, 96]"
        vit = f"{{backbone: vit_base_patch16_384, image_size: {size}}}"
        overrides += [f"augment.crop={size}", f"train.window={size}", f"model.arguments={vit}"]
    if small:
        overrides.append("augment.crop=[64, 64]")
        given = load_recipe(path)
        if given.method.teacher is not None:
            plain = load_recipe(path, ["model.input=plain"])
            save_model(new_model(plain, StandIn("camvid")), tmp_path / "teacher")
            overrides.append(f"method.teacher={tmp_path / 'teacher'}")
        if given.method.key is not None:
            Key.generate().save(tmp_path / "my.key")
            overrides.append(f"method.key={tmp_path / 'my.key'}")
    assert 0 < dry_run(load_recipe(path, overrides)) < 100
