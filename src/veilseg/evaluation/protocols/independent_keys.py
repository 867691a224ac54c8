"""[Hirose 2026] Table II: plain images against independent keys with sub-blocks of 16, 8 and 4 pixels."""

from __future__ import annotations

from functools import partial
from typing import Any

from veilseg import catalog
from veilseg.ciphers import client_cipher
from veilseg.errors import UsageError
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.report import Comparison
from veilseg.inputspec import PLAIN, InputSpec

COLUMNS = ("aAcc", "mIoU", "mAcc", "mIoU kept")
PUBLISHED = {
    "plain": (92.90, 61.63, 71.73, 100.0),
    "s = 16": (88.44, 44.51, 53.23, 72.2),
    "s = 8": (90.26, 50.00, 59.42, 81.1),
    "s = 4": (91.65, 56.13, 68.18, 91.1),
}


def run(settings: ProtocolSettings, journal: Journal) -> Comparison:
    """Measure every model on its own kind of image; new keys for every image where it takes shuffled ones.

    It needs one plain model, the baseline, and any number of models for sub-block ciphers. Writes
    independent-keys.json and independent-keys.png; the table is in percent.
    """
    specs = {model: settings.open(model).config.input for model in settings.models}
    plain = [model for model, spec in specs.items() if spec.encryption is None]
    odd = [model for model, spec in specs.items() if spec.keyed]
    if len(plain) != 1 or odd:
        raise UsageError(
            "this protocol compares one plain model with models for independent keys",
            "--model plain --model my-sort16 --model my-sort8 --model my-sort4",
        )
    found = {
        model: journal.step(f"{model}: {title(spec)}", partial(_measure, settings, model))
        for model, spec in specs.items()
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
    theirs = [PUBLISHED[name][3] if name in PUBLISHED else 0.0 for name in names]
    kept = [("here", [values[3] for _, values in rows]), ("[Hirose 2026]", theirs)]
    plots.bars(settings.out / "independent-keys.png", names, kept, "mIoU kept (%)")
    published = [(f"[Hirose 2026] Cityscapes, SETR-MLA, {name}", values) for name, values in PUBLISHED.items()]
    return Comparison(f"{settings.data.name}, in percent", COLUMNS, rows, published)


def title(spec: InputSpec) -> str:
    """How the table calls a model's images: "plain", "s = 8", "quartiles 8", "mosaic 8"."""
    if spec.encryption is None:
        return PLAIN
    match spec.encryption.facts.family:
        case "key-invariant":
            return f"s = {spec.encryption.cell}"
        case "reducing":
            return f"{spec.name.removeprefix('subblock-')} {spec.encryption.cell}"
    raise UsageError(f"this protocol has no place for models of {spec.name} images", "leave that model out")


def _measure(settings: ProtocolSettings, model: str) -> dict[str, Any]:
    segmenter = settings.open(model)
    return settings.measure(segmenter, client_cipher(segmenter.config.input))


def _order(spec: InputSpec) -> tuple[int, int]:
    if spec.encryption is None:
        return 0, 0
    return 1 + list(catalog.CATALOG).index(spec.name), -spec.encryption.cell
