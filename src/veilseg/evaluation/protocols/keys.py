"""[Kiya 2022] Table 1: an encrypted model with images under the right key, no key and a wrong key."""

from __future__ import annotations

from functools import partial
from typing import Any

from veilseg import ciphers
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import CONDITIONS, ProtocolSettings
from veilseg.evaluation.report import Comparison

COLUMNS = ("baseline", *CONDITIONS)
#: mIoU in percent: baseline, correct key, no encryption, wrong key.
PUBLISHED = {
    "Cityscapes, SETR-Naive": (64.90, 64.90, 6.74, 7.18),
    "Cityscapes, SETR-MLA": (63.86, 63.86, 7.92, 7.43),
    "Cityscapes, SETR-PUP": (70.39, 70.39, 11.35, 11.37),
    "ADE20K, SETR-Naive": (37.10, 37.10, 0.23, 0.24),
    "ADE20K, SETR-MLA": (43.70, 43.70, 0.30, 0.29),
    "ADE20K, SETR-PUP": (43.83, 43.83, 0.48, 0.50),
}


def run(settings: ProtocolSettings, journal: Journal) -> Comparison:
    """Measure every model under the four conditions; keys.json, keys.png, and the table in percent mIoU."""
    rows: list[tuple[str, list[float]]] = []
    summary: dict[str, Any] = {}
    for model in settings.models:
        steps = measure(settings, journal, model)
        rows.append((f"{model}, {settings.data.name}", [steps[name]["mIoU"] for name in COLUMNS]))
        same = steps["baseline"]["labels_sha256"] == steps["correct key"]["labels_sha256"]
        summary[model] = {
            "mIoU": dict(zip(COLUMNS, rows[-1][1], strict=True)),
            "one class everywhere": steps["baseline"]["one_class_mIoU"],
            "predictions of baseline and correct key": "identical" if same else "not identical",
        }
    journal.conclude(summary, {name: dict(zip(COLUMNS, row, strict=True)) for name, row in PUBLISHED.items()})
    series = [(condition, [row[index] for _, row in rows]) for index, condition in enumerate(COLUMNS)]
    plots.bars(settings.out / "keys.png", list(settings.models), series, "mIoU (%)")
    published = [(f"[Kiya 2022] {name}", values) for name, values in PUBLISHED.items()]
    return Comparison(f"mIoU in percent, {settings.cipher}", COLUMNS, rows, published)


def measure(settings: ProtocolSettings, journal: Journal, model: str) -> dict[str, dict[str, Any]]:
    """The scores of one model by condition; key 0 is the model's, key 1 the wrong one."""
    own = settings.key(0)

    def measured(condition: str) -> dict[str, Any]:
        if condition == "baseline":
            return settings.measure(settings.open_plain(model), "plain")
        with settings.encrypted(model, own) as encrypted:
            cipher = ciphers.cipher(settings.cipher, block=encrypted.config.input.block)
            return settings.measure_condition(condition, encrypted, cipher, own)

    return {name: journal.step(f"{model}: {name}", partial(measured, name)) for name in COLUMNS}
