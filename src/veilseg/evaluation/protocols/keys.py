"""[P2] Table 1: an encrypted model with images under the right key, no key and a wrong key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from veilseg import ciphers
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.plan import Plan
from veilseg.evaluation.protocols.tables import side_by_side

if TYPE_CHECKING:
    from rich.table import Table

CONDITIONS = ("baseline", "correct key", "no encryption", "wrong key")
#: mIoU in percent: baseline, correct key, no encryption, wrong key.
PUBLISHED = {
    "Cityscapes, SETR-Naive": (64.90, 64.90, 6.74, 7.18),
    "Cityscapes, SETR-MLA": (63.86, 63.86, 7.92, 7.43),
    "Cityscapes, SETR-PUP": (70.39, 70.39, 11.35, 11.37),
    "ADE20K, SETR-Naive": (37.10, 37.10, 0.23, 0.24),
    "ADE20K, SETR-MLA": (43.70, 43.70, 0.30, 0.29),
    "ADE20K, SETR-PUP": (43.83, 43.83, 0.48, 0.50),
}


def run(plan: Plan, journal: Journal) -> Table:
    """Measure every model of the plan under the four conditions; keys.json, keys.png, and the table in percent mIoU."""
    rows: list[tuple[str, list[float]]] = []
    summary: dict[str, Any] = {}
    for model in plan.models:
        steps = measure(plan, journal, model)
        rows.append((f"{model}, {plan.data.name}", [steps[name]["mIoU"] for name in CONDITIONS]))
        same = steps["baseline"]["labels_sha256"] == steps["correct key"]["labels_sha256"]
        summary[model] = {
            "mIoU": dict(zip(CONDITIONS, rows[-1][1], strict=True)),
            "one class everywhere": steps["baseline"]["one_class_mIoU"],
            "predictions of baseline and correct key": "identical" if same else "not identical",
        }
    journal.conclude(summary, {name: dict(zip(CONDITIONS, row, strict=True)) for name, row in PUBLISHED.items()})
    series = [(condition, [row[index] for _, row in rows]) for index, condition in enumerate(CONDITIONS)]
    plots.bars(plan.out / "keys.png", list(plan.models), series, "mIoU (%)")
    published = [(f"[P2] {name}", values) for name, values in PUBLISHED.items()]
    return side_by_side(f"mIoU in percent, {plan.cipher}", CONDITIONS, rows, published)


def measure(plan: Plan, journal: Journal, model: str) -> dict[str, dict[str, Any]]:
    """The scores of one model by condition; key 0 is the model's, key 1 the wrong one."""
    own, wrong = plan.key(0), plan.key(1)

    def encrypted(condition: str) -> dict[str, Any]:
        with plan.locked(model, own) as locked:
            cipher = ciphers.cipher(plan.cipher, block=locked.config.input.block)
            if condition == "no encryption":
                return plan.measure(locked, "plain", check=False)
            if condition == "correct key":
                return plan.measure(locked, cipher, own)
            return plan.measure(locked, cipher, wrong, check=False)

    found = {"baseline": journal.step(f"{model}: baseline", lambda: plan.measure(plan.open_plain(model), "plain"))}
    for name in CONDITIONS[1:]:
        found[name] = journal.step(f"{model}: {name}", partial(encrypted, name))
    return found
