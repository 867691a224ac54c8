"""[Kiya 2022] Table 2: networks trained on images under a conventional cipher; right key, no key and a wrong key."""

from __future__ import annotations

from functools import partial
from typing import Any

from veilseg import catalog
from veilseg.ciphers import own_cipher
from veilseg.errors import InvalidKeyError, UsageError
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import CONDITIONS, ProtocolSettings
from veilseg.evaluation.report import Comparison
from veilseg.inputspec import InputSpec

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


def run(settings: ProtocolSettings, journal: Journal) -> Comparison:
    """Measure every model under the three conditions; conventional.json, conventional.png, and the table in percent.

    The models were trained on images under a conventional cipher with one key, `settings.key_of_models`; one more, for
    plain images, is the baseline. "No encryption" gives the network the photograph's own values 0..255. Raises
    UsageError for other models or no key, InvalidKeyError for another key.
    """
    known = catalog.of_family("conventional")
    specs = {model: settings.open(model).config.input for model in settings.models}
    trained = [model for model, spec in specs.items() if spec.name in known]
    plain = [model for model, spec in specs.items() if spec.encryption is None]
    if not trained or len(plain) > 1 or len(trained) + len(plain) < len(specs):
        raise UsageError(
            f"this protocol takes models trained on {', '.join(known)} images, and one plain model at most",
            "recipes/camvid-conventional.yaml trains such models",
        )
    _check_key(settings, {model: specs[model] for model in trained})
    rows: list[tuple[str, list[float | None]]] = []
    summary: dict[str, Any] = {}
    for model in plain:
        step = journal.step(f"{model}: baseline", partial(settings.measure, settings.open(model), "plain"))
        rows.append((f"baseline ({model})", [step["mIoU"], None, None]))
        summary[model] = {"baseline": step["mIoU"], "one class everywhere": step["one_class_mIoU"]}
    for model in sorted(trained, key=lambda model: _order(specs[model])):
        steps = [journal.step(f"{model}: {name}", partial(_measure, settings, model, name)) for name in CONDITIONS]
        values = [step["mIoU"] for step in steps]
        rows.append((f"{title(specs[model])} ({model})", values))
        summary[model] = dict(zip(CONDITIONS, values, strict=True))
        summary[model]["one class everywhere"] = steps[0]["one_class_mIoU"]
    published = {f"{name.upper()}, M = {block}": values for (name, block), values in PUBLISHED.items()}
    journal.conclude(
        summary,
        {"baseline": BASELINE, **{name: dict(zip(CONDITIONS, row, strict=True)) for name, row in published.items()}},
    )
    shown = rows[len(plain) :]
    series = [(name, [values[index] or 0.0 for _, values in shown]) for index, name in enumerate(CONDITIONS)]
    plots.bars(settings.out / "conventional.png", [name.replace(" (", "\n(") for name, _ in shown], series, "mIoU (%)")
    theirs: list[tuple[str, list[float | None]]] = [("[Kiya 2022] Cityscapes, FCN, baseline", [BASELINE, None, None])]
    theirs += [(f"[Kiya 2022] Cityscapes, FCN, {name}", list(values)) for name, values in published.items()]
    return Comparison(f"mIoU in percent, {settings.data.name}", CONDITIONS, rows, theirs)


def title(spec: InputSpec) -> str:
    """How the table calls a model's images: "SHF, M = 4"."""
    return f"{spec.name.upper()}, M = {spec.block}"


def _check_key(settings: ProtocolSettings, specs: dict[str, InputSpec]) -> None:
    key = settings.key_of_models
    if key is None:
        raise UsageError("this protocol needs the key that the models were trained for", "--key FILE")
    for model, spec in specs.items():
        if spec.key_fingerprint != key.fingerprint:
            raise InvalidKeyError(
                f"{model} was trained for key {spec.key_fingerprint}, not for {key.fingerprint}", "give its key"
            )


def _measure(settings: ProtocolSettings, model: str, condition: str) -> dict[str, Any]:
    segmenter = settings.open(model)
    cipher = own_cipher(segmenter.config.input)
    return settings.measure_condition(condition, segmenter, cipher, settings.key_of_models)


def _order(spec: InputSpec) -> tuple[int, int]:
    return spec.block, catalog.of_family("conventional").index(spec.name)
