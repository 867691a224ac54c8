"""The rows of tools/experiment.py: recipe and changes of every training, by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

PLAIN = "src/veilseg/runtime/shipped/plain"
DECIDING = 8  # the sub-block whose rows of the small table are trained with every seed, and of SETR's rows
CROP = "augment.crop=[192,192]"  # half the work of the recipes' 256 x 256
SMALL_STEPS, SETR_STEPS = 1500, 900
DINO_STEPS, TEACHER_STEPS = 1000, 4000
SETR_RECIPE = ["recipes/camvid-setr.yaml", "model.architecture=setr-mla"]
SETR_INPUTS = {"sort": "canonical", "mosaic": "mosaic", "shuffled": "shuffled"}
DINO_INPUTS = {"shuffled": "shuffled", "sort": "canonical", "quartiles": "quartiles", "mosaic": "mosaic"}


@dataclass(frozen=True)
class Row:
    """One training: what `veilseg train` gets but for the machine and the output, and the row that it begins with."""

    arguments: list[str]
    start: str | None = None


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
    """[Hirose 2026] Table II on a pretrained ViT, and ConvSeg taught by the same teacher; a GPU's work.

    SETR-MLA on DINOv2: plain, shuffled with fresh keys, sorted, quartiles and mosaic, the sorted and the mosaic with
    and without the teacher; equal steps, three seeds, the first of all rows before the second of any.
    """
    found: dict[str, Row] = {}
    for seed in range(3):
        found[f"dino-plain-{seed}"] = dino("plain", seed, None)
        for size in (16, 8, 4, 32):
            for method, image in DINO_INPUTS.items():
                if method != "shuffled" or size != 32:
                    found[f"dino-{method}{size}-{seed}"] = dino(image, seed, size)
            for method in ("sort", "mosaic"):
                found[f"dino-taught-{method}{size}-{seed}"] = dino(DINO_INPUTS[method], seed, size, taught=True)
            found[f"taught-sort{size}-{seed}"] = taught_convseg(seed, size)
        found[f"taught-plain-{seed}"] = taught_convseg(seed, None)
    return found


def convseg(recipe: str, seed: int, sub_block: int | None = None) -> Row:
    """One training of ConvSeg."""
    given = [
        f"recipes/{recipe}.yaml",
        CROP,
        f"train.seed={seed}",
        f"train.steps={SMALL_STEPS}",
        f"method.start={PLAIN}",
    ]
    if recipe == "camvid-distil":
        given.append(f"method.teacher={PLAIN}")
    return Row([*given, *cells(sub_block)])


def setr(image: str, seed: int, sub_block: int | None = None) -> Row:
    """One training of SETR-MLA on a small ViT."""
    given = [*SETR_RECIPE, f"train.seed={seed}", f"train.steps={SETR_STEPS}"]
    given += ["method.start=runs/rows/setr", f"model.input={image}"]
    if image == "canonical":
        given.append("method.closed_form=true")
    return Row([*given, *cells(sub_block)], "setr")


def dino(image: str, seed: int, sub_block: int | None, *, taught: bool = False) -> Row:
    """One training of SETR-MLA on DINOv2, from the pretrained trunk; with the teacher, from its weights."""
    given = ["recipes/camvid-dinov2.yaml", f"train.seed={seed}", f"model.input={image}"]
    given += [*length(DINO_STEPS), *cells(sub_block)]
    if not taught:
        return Row(given)
    teacher = "runs/rows/teacher"
    return Row([*given, f"method.start={teacher}", f"method.teacher={teacher}", "method.tokens=0.5"], "teacher")


def taught_convseg(seed: int, sub_block: int | None) -> Row:
    """One training of ConvSeg with SETR on DINOv2 as its teacher: sorted images, or plain ones without a sub-block."""
    name = "camvid-plain" if sub_block is None else "camvid-sort"
    given = [f"recipes/{name}.yaml", f"train.seed={seed}", f"method.start={PLAIN}", *length(4 * DINO_STEPS)]
    return Row([*given, "method.teacher=runs/rows/teacher", *cells(sub_block)], "teacher")


def length(steps: int) -> Iterator[str]:
    """What a recipe says of a run of so many steps that is validated at its end: on a GPU validating takes longer."""
    yield from (f"train.steps={steps}", f"train.validate_every={steps}", "train.checkpoint_every=250")


def cells(sub_block: int | None) -> Iterator[str]:
    """What a recipe says of the sub-block and of a block that holds it."""
    if sub_block is not None:
        yield from (f"model.sub_block={sub_block}", f"model.block={max(16, sub_block)}")


TABLES: dict[str, Callable[[], dict[str, Row]]] = {"small": small, "pretrained": pretrained}
#: Models that rows begin with or learn from; trained first, not measured.
STARTS = {
    "setr": Row(SETR_RECIPE),
    "teacher": Row(["recipes/camvid-dinov2.yaml", "optimizer.trunk_rate=0.0002", *length(TEACHER_STEPS)]),
}
