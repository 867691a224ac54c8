"""The rows of tools/experiment.py: recipe and changes of every training, by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

PLAIN = "src/veilseg/runtime/shipped/plain"
DECIDING = 8  # the sub-block whose rows of the small table are trained with every seed, and of SETR's rows
CROP = "augment.crop=[192,192]"  # half the work of LARGE
LARGE = "augment.crop=[256,256]"
SMALL_STEPS, SETR_STEPS = 1500, 900
DINO_STEPS, DRIVE_STEPS, FINE_STEPS, TAUGHT_STEPS = 500, 750, 1300, 5000
SETR_RECIPE = ["recipes/camvid-setr.yaml"]
SETR_INPUTS = {"sort": "canonical", "mosaic": "mosaic", "shuffled": "shuffled"}
TAUGHT = {"plain": None, "sort16": 16, "sort12": 12, "sort8": 8, "sort4": 4}
DINO_INPUTS = {"shuffled": "shuffled", "sort": "canonical", "quartiles": "quartiles", "mosaic": "mosaic"}


#: ConvSeg with more blocks where they are cheap, at strides 16 and 32.
DEEPER = "model.arguments.depths=[2, 2, 4, 6]"
#: What the small rows had before recipes took these from the model to start from and from the number of steps.
SHALLOW, AVERAGE = "model.arguments.depths=[2, 2, 2, 2]", "train.average=0.998"
#: The teacher is asked once for every image.
ANSWERS = ["method.answers=image", "method.logits=2.0"]
#: CamVid without its drive 0006R0 in train/, and that drive as val/: what no training photograph shows.
DRIVES = [
    'data.train=[{source: "camvid:$VEILSEG_DRIVES", split: train}]',
    'data.val={source: "camvid:$VEILSEG_DRIVES", split: val}',
]


@dataclass(frozen=True)
class Row:
    """One training: what `veilseg train` gets but for the machine and the output, and the row that it begins with.

    Rows that are not measured on CamVid's validation split are there for others, or have their own.
    """

    arguments: list[str]
    start: str | None = None
    measured: bool = True


def small() -> dict[str, Row]:
    """The rows that two cores train in a night: ConvSeg, and SETR-MLA on a small ViT from scratch."""
    found: dict[str, Row] = {}
    for seed in (0, 1):
        found[f"plain-{seed}"] = convseg("camvid-plain", seed)
        for method in ("sort", "quartiles", "mosaic", "shuffled", "distil"):
            found[f"{method}{DECIDING}-{seed}"] = convseg(f"camvid-{method}", seed, DECIDING)
    for size in (16, 4):
        for method in ("sort", "quartiles", "mosaic", "shuffled", "distil"):
            found[f"{method}{size}-0"] = convseg(f"camvid-{method}", 0, size)
    # Only here is the embedding of the shape of the plain one.
    found["fitted4-0"] = Row([*convseg("camvid-sort", 0, 4).arguments, "method.closed_form=true"])
    for method in ("sort", "quartiles", "mosaic"):
        found[f"{method}32-0"] = convseg(f"camvid-{method}", 0, 32)
    for seed in (0, 1):
        found[f"setr-plain-{seed}"] = setr("plain", seed)
        for method, image in SETR_INPUTS.items():
            found[f"setr-{method}{DECIDING}-{seed}"] = setr(image, seed, DECIDING)
    for size in (16, 4):
        for method, image in SETR_INPUTS.items():
            found[f"setr-{method}{size}-0"] = setr(image, 0, size)
    return found


def pretrained() -> dict[str, Row]:
    """[Hirose 2026] Table II on a pretrained ViT, and ConvSeg taught by such a one; a GPU's work.

    ConvSeg first, which may ship. Then SETR-MLA on DINOv2 for equal steps: plain, shuffled with fresh keys, sorted,
    quartiles and mosaic, some of them with a teacher too; three seeds of what decides. Then what a drive that no
    training saw costs, and the remaining seeds.
    """
    found = {f"taught-{name}-0": taught_convseg(0, size) for name, size in TAUGHT.items()}
    for seed in range(3):
        found[f"dino-plain-{seed}"] = dino("plain", seed, None)
        found[f"dino-taught-plain-{seed}"] = dino("plain", seed, None, taught=True)
        for size in (16, 8, 4):
            found[f"dino-taught-sort{size}-{seed}"] = dino("canonical", seed, size, taught=True)
            for method in ("shuffled", "sort"):
                found[f"dino-{method}{size}-{seed}"] = dino(DINO_INPUTS[method], seed, size)
    others = {}
    for seed in range(3):
        for size in (16, 8, 4, 32):
            for method in ("quartiles", "mosaic", *(("sort",) if size == 32 else ())):
                others[f"dino-{method}{size}-{seed}"] = dino(DINO_INPUTS[method], seed, size)
            for method in ("mosaic", *(("sort",) if size == 32 else ())):
                others[f"dino-taught-{method}{size}-{seed}"] = dino(DINO_INPUTS[method], seed, size, taught=True)
    first = {name: row for name, row in others.items() if name.endswith("-0")}
    drives = {"drive-taught": replace(taught_convseg(0, None, held_out=True), measured=False)}
    return {**found, **first, **drives, **others}


def convseg(recipe: str, seed: int, sub_block: int | None = None) -> Row:
    """One training of ConvSeg."""
    given = [
        f"recipes/{recipe}.yaml",
        CROP,
        f"train.seed={seed}",
        f"train.steps={SMALL_STEPS}",
        f"method.start={PLAIN}",
        SHALLOW,
        AVERAGE,
    ]
    if recipe == "camvid-distil":
        given.append(f"method.teacher={PLAIN}")
    return Row([*given, *cells(sub_block)])


def setr(image: str, seed: int, sub_block: int | None = None) -> Row:
    """One training of SETR-MLA on a small ViT."""
    given = [*SETR_RECIPE, f"train.seed={seed}", f"train.steps={SETR_STEPS}", AVERAGE]
    given += ["method.start=runs/rows/setr", f"model.input={image}"]
    if image == "canonical":
        given.append("method.closed_form=true")
    return Row([*given, *cells(sub_block)], "setr")


def dino(image: str, seed: int, sub_block: int | None, *, taught: bool = False) -> Row:
    """One training of SETR-MLA on DINOv2; with a teacher, the shipped plain model, it begins with a plain row."""
    given = ["recipes/camvid-dinov2.yaml", f"train.seed={seed}", f"model.input={image}"]
    given += ["train.batch=8", LARGE, *length(DINO_STEPS, 0.99), *cells(sub_block)]
    if not taught:
        return Row(given)
    start = f"dino-plain-{seed}"
    given += [f"method.start=runs/rows/{start}", f"method.teacher={PLAIN}", *ANSWERS]
    if image in ("canonical", "quartiles", "mosaic"):
        given.append("method.closed_form=true")
    return Row(given, start)


def taught_convseg(seed: int, sub_block: int | None, *, held_out: bool = False) -> Row:
    """One training of ConvSeg taught by a finer SETR on DINOv2: sorted images, or plain without a sub-block.

    Where a drive is held out it begins from nothing, sees nothing of that drive, and is measured on it.
    """
    name = "camvid-plain" if sub_block is None else "camvid-sort"
    given = [f"recipes/{name}.yaml", f"train.seed={seed}", DEEPER, "train.batch=32", LARGE]
    given += [*length(TAUGHT_STEPS, 0.998), *ANSWERS]
    if held_out:
        return Row([*given, *DRIVES, "method.teacher=runs/rows/drive"], "drive")
    return Row([*given, f"method.start={PLAIN}", "method.teacher=runs/rows/fine", *cells(sub_block)], "fine")


def teacher(steps: int, *changes: str) -> Row:
    """One training of a plain SETR-MLA on DINOv2 that ConvSeg learns from."""
    given = [
        "recipes/camvid-dinov2.yaml",
        "optimizer.trunk_rate=0.0002",
        "train.batch=32",
        LARGE,
        *length(steps, 0.998),
    ]
    return Row([*given, *changes])


def length(steps: int, average: float) -> Iterator[str]:
    """What a recipe says of a run of so many steps that is validated at its end: on a GPU validating takes longer."""
    yield from (f"train.steps={steps}", f"train.validate_every={steps}", f"train.average={average}")
    yield "train.checkpoint_every=500"


def cells(sub_block: int | None) -> Iterator[str]:
    """What a recipe says of the sub-block and of a block that holds whole ones."""
    if sub_block is not None:
        yield from (f"model.sub_block={sub_block}", f"model.block={16 if 16 % sub_block == 0 else sub_block}")
        if sub_block == 12:
            yield "augment.crop=[240, 240]"


TABLES: dict[str, Callable[[], dict[str, Row]]] = {"small": small, "pretrained": pretrained}
#: Models that rows begin with or learn from; trained first. The finer one has patches of 8 pixels.
STARTS = {
    "setr": Row(SETR_RECIPE, measured=False),
    "fine": teacher(FINE_STEPS, "model.arguments.patch_size=8", "augment.crop=[192, 192]"),
    "drive": replace(teacher(DRIVE_STEPS, *DRIVES), measured=False),
}
