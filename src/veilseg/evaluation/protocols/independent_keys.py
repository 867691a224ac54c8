"""[P1] Table II: plain images against independent keys with sub-blocks of 16, 8 and 4 pixels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from veilseg import catalog
from veilseg.errors import UsageError
from veilseg.evaluation.evaluate import client_cipher
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.plan import Plan
from veilseg.evaluation.protocols.tables import side_by_side
from veilseg.inputspec import PLAIN, InputSpec

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("aAcc", "mIoU", "mAcc", "mIoU kept")
PUBLISHED = {
    "plain": (92.90, 61.63, 71.73, 100.0),
    "s = 16": (88.44, 44.51, 53.23, 72.2),
    "s = 8": (90.26, 50.00, 59.42, 81.1),
    "s = 4": (91.65, 56.13, 68.18, 91.1),
}


def run(plan: Plan, journal: Journal) -> Table:
    """Measure every model on its own kind of image; new keys for every image where it takes shuffled ones.

    The plan needs one plain model, the baseline, and any number of models for sub-block ciphers. Writes
    independent-keys.json and independent-keys.png; the table is in percent.
    """
    specs = {model: plan.open(model).config.input for model in plan.models}
    plain = [model for model, spec in specs.items() if spec.encryption is None]
    odd = [model for model, spec in specs.items() if spec.keyed]
    if len(plain) != 1 or odd:
        raise UsageError(
            "this protocol compares one plain model with models for independent keys",
            "--model plain --model my-sort16 --model my-sort8 --model my-sort4",
        )
    found = {
        model: journal.step(f"{model}: {title(spec)}", partial(_measure, plan, model)) for model, spec in specs.items()
    }
    whole = found[plain[0]]["mIoU"]
    ordered = sorted(specs, key=lambda model: _order(specs[model]))
    rows = []
    for model in ordered:
        scores = [found[model][column] for column in COLUMNS[:3]]
        rows.append((f"{title(specs[model])} ({model})", [*scores, 100 * found[model]["mIoU"] / whole]))
    journal.conclude(
        {model: dict(zip(COLUMNS, values, strict=True)) for model, (_, values) in zip(ordered, rows, strict=True)},
        {name: dict(zip(COLUMNS, values, strict=True)) for name, values in PUBLISHED.items()},
    )
    names = [title(specs[model]) for model in ordered]
    kept = [("here", [values[3] for _, values in rows]), ("[P1]", [PUBLISHED.get(n, (0, 0, 0, 0.0))[3] for n in names])]
    plots.bars(plan.out / "independent-keys.png", names, kept, "mIoU kept (%)")
    published = [(f"[P1] Cityscapes, SETR-MLA, {name}", values) for name, values in PUBLISHED.items()]
    return side_by_side(f"{plan.data.name}, in percent", COLUMNS, rows, published)


def title(spec: InputSpec) -> str:
    """How the table calls a model's images: "plain", "s = 8", "quartiles 8", "mosaic 8"."""
    if spec.encryption is None:
        return PLAIN
    reduced = spec.encryption.facts.family == "reducing"
    return f"{spec.name.removeprefix('subblock-')} {spec.encryption.cell}" if reduced else f"s = {spec.encryption.cell}"


def _measure(plan: Plan, model: str) -> dict[str, Any]:
    segmenter = plan.open(model)
    return plan.measure(segmenter, client_cipher(segmenter.config.input))


def _order(spec: InputSpec) -> tuple[int, int]:
    if spec.encryption is None:
        return 0, 0
    return 1 + list(catalog.CATALOG).index(spec.name), -spec.encryption.cell
