"""[P2] Table 2: networks trained on images under a conventional cipher, with the right key, no key and a wrong key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from veilseg import catalog
from veilseg.errors import InvalidKeyError, UsageError
from veilseg.evaluation.evaluate import own_cipher
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.plan import Plan
from veilseg.evaluation.protocols.tables import side_by_side
from veilseg.inputspec import InputSpec

if TYPE_CHECKING:
    from rich.table import Table

CONDITIONS = ("correct key", "no encryption", "wrong key")
BASELINE = 59.66
#: mIoU in percent by cipher and block: correct key, no encryption, wrong key.
PUBLISHED = {
    ("shf", 4): (47.31, 45.36, 36.71),
    ("np", 4): (47.06, 33.59, 15.05),
    ("ffx", 4): (38.23, 1.57, 0.12),
    ("shf", 16): (22.14, 19.94, 11.50),
    ("np", 16): (34.39, 21.14, 8.32),
    ("ffx", 16): (26.11, 0.07, 0.79),
}


def run(plan: Plan, journal: Journal) -> Table:
    """Measure every model under the three conditions; conventional.json, conventional.png, and the table in percent.

    The plan's models were trained on images under "shf", "np" or "ffx" with one key, `plan.key_of_models`; one more,
    for plain images, is the baseline. "No encryption" gives the network the photograph's own values 0..255. Raises
    UsageError for other models or no key, InvalidKeyError for another key.
    """
    known = catalog.of_family("conventional")
    specs = {model: plan.open(model).config.input for model in plan.models}
    trained = [model for model, spec in specs.items() if spec.name in known]
    plain = [model for model, spec in specs.items() if spec.encryption is None]
    if not trained or len(plain) > 1 or len(trained) + len(plain) < len(specs):
        raise UsageError(
            f"this protocol takes models trained on {', '.join(known)} images, and one plain model at most",
            "recipes/camvid-conventional.yaml trains such models",
        )
    _check_key(plan, {model: specs[model] for model in trained})
    rows: list[tuple[str, list[float | None]]] = []
    summary: dict[str, Any] = {}
    for model in plain:
        step = journal.step(f"{model}: baseline", partial(plan.measure, plan.open(model), "plain"))
        rows.append((f"baseline ({model})", [step["mIoU"], None, None]))
        summary[model] = {"baseline": step["mIoU"], "one class everywhere": step["one_class_mIoU"]}
    for model in sorted(trained, key=lambda model: _order(specs[model])):
        steps = {name: journal.step(f"{model}: {name}", partial(_measure, plan, model, name)) for name in CONDITIONS}
        values = [steps[name]["mIoU"] for name in CONDITIONS]
        rows.append((f"{title(specs[model])} ({model})", values))
        summary[model] = dict(zip(CONDITIONS, values, strict=True))
        summary[model]["one class everywhere"] = steps["correct key"]["one_class_mIoU"]
    published = {f"{name.upper()}, M = {block}": values for (name, block), values in PUBLISHED.items()}
    journal.conclude(
        summary,
        {"baseline": BASELINE, **{name: dict(zip(CONDITIONS, row, strict=True)) for name, row in published.items()}},
    )
    shown = rows[len(plain) :]
    series = [(name, [values[index] or 0.0 for _, values in shown]) for index, name in enumerate(CONDITIONS)]
    plots.bars(plan.out / "conventional.png", [name.replace(" (", "\n(") for name, _ in shown], series, "mIoU (%)")
    theirs: list[tuple[str, list[float | None]]] = [("[P2] Cityscapes, FCN, baseline", [BASELINE, None, None])]
    theirs += [(f"[P2] Cityscapes, FCN, {name}", list(values)) for name, values in published.items()]
    return side_by_side(f"mIoU in percent, {plan.data.name}", CONDITIONS, rows, theirs)


def title(spec: InputSpec) -> str:
    """How the table calls a model's images: "SHF, M = 4"."""
    return f"{spec.name.upper()}, M = {spec.block}"


def _check_key(plan: Plan, specs: dict[str, InputSpec]) -> None:
    key = plan.key_of_models
    if key is None:
        raise UsageError("this protocol needs the key that the models were trained for", "--key FILE")
    for model, spec in specs.items():
        if spec.key_fingerprint != key.fingerprint:
            raise InvalidKeyError(
                f"{model} was trained for key {spec.key_fingerprint}, not for {key.fingerprint}", "give its key"
            )


def _measure(plan: Plan, model: str, condition: str) -> dict[str, Any]:
    segmenter = plan.open(model)
    if condition == "no encryption":
        return plan.measure(segmenter, "plain", check=False)
    cipher = own_cipher(segmenter.config.input)
    if condition == "correct key":
        return plan.measure(segmenter, cipher, plan.key_of_models)
    return plan.measure(segmenter, cipher, plan.key(1), check=False)


def _order(spec: InputSpec) -> tuple[int, int]:
    return spec.block, catalog.of_family("conventional").index(spec.name)
