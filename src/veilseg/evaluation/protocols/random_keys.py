"""[Kiya 2022] Fig. 6: one model and many keys; the spread of mIoU as a box plot.

For a model encrypted with one key all others are wrong; for a model for independent keys none is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from veilseg import ciphers
from veilseg.ciphers import client_cipher
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.report import Comparison

COLUMNS = ("baseline", "least", "Q1", "median", "Q3", "greatest", "one class")
Scores = dict[str, Any]


def run(settings: ProtocolSettings, journal: Journal) -> Comparison:
    """Measure `settings.count` keys for every model; random-keys.json, random-keys.png, and the quartiles in a table.

    Plain models are encrypted first, so that all those keys are wrong ones. Models for sub-block ciphers get
    every image shuffled with every key; "distinct predictions" counts the different sets of label maps that come of it.
    The paper publishes a figure and no numbers. "one class" is the mIoU of the most frequent class everywhere.
    """
    summary: dict[str, Any] = {}
    rows = []
    for model in settings.models:
        encryption = settings.open(model).config.input.encryption
        measure = wrong if encryption is None else independent
        first, steps = measure(settings, journal, model)
        scores, blind = [step["mIoU"] for step in steps], first["one_class_mIoU"]
        distinct = len({step["labels_sha256"] for step in steps})
        facts = {"baseline": first["mIoU"], "one class everywhere": blind, "distinct predictions": distinct}
        parts = box(scores)
        summary[model] = {**facts, "keys": scores, **parts}
        rows.append((model, [first["mIoU"], min(scores), parts["q1"], parts["med"], parts["q3"], max(scores), blind]))
    journal.conclude(summary, "[Kiya 2022] Fig. 6 is a figure: its boxes lie far below the baseline")
    _draw(settings, summary)
    title = f"mIoU in percent under {settings.count} keys, {settings.data.name}"
    return Comparison(title, COLUMNS, rows)


def wrong(settings: ProtocolSettings, journal: Journal, model: str) -> tuple[Scores, list[Scores]]:
    """(the plain model on plain images; the model encrypted with key 0, under every other key)."""
    baseline = journal.step(f"{model}: baseline", lambda: settings.measure(settings.open_plain(model), "plain"))
    with settings.encrypted(model, settings.key(0)) as encrypted:
        cipher = ciphers.cipher(settings.cipher, block=encrypted.config.input.block)
        measure = partial(settings.measure, encrypted, cipher, check=False)
        return baseline, [
            journal.step(f"{model}: wrong key {index}", partial(measure, settings.key(index)))
            for index in range(1, settings.count + 1)
        ]


def independent(settings: ProtocolSettings, journal: Journal, model: str) -> tuple[Scores, list[Scores]]:
    """(images shuffled with keys that are drawn and forgotten; images shuffled with every test key)."""
    segmenter = settings.open(model)
    cipher = client_cipher(segmenter.config.input)
    baseline = journal.step(f"{model}: baseline", lambda: settings.measure(segmenter, cipher))
    return baseline, [
        journal.step(f"{model}: key {index}", partial(settings.measure, segmenter, cipher, settings.key(index)))
        for index in range(1, settings.count + 1)
    ]


def box(values: list[float]) -> dict[str, Any]:
    """The parts of a box plot: quartiles, whiskers (the last values within 1.5 IQR of the box), and the outliers."""
    from matplotlib.cbook import boxplot_stats

    (found,) = boxplot_stats(values)
    parts = {name: float(found[name]) for name in ("q1", "med", "q3", "whislo", "whishi")}
    return {**parts, "fliers": sorted(map(float, found["fliers"]))}


def _draw(settings: ProtocolSettings, summary: dict[str, Any]) -> None:
    figure = plots.new_figure(1.6 + 1.2 * len(summary), 3.6)
    axes = figure.subplots()
    parts = [{"label": model, **box(found["keys"])} for model, found in summary.items()]
    axes.bxp(parts)
    levels = [found["baseline"] for found in summary.values()]
    places = np.arange(1, len(levels) + 1)
    axes.hlines(levels, places - 0.3, places + 0.3, linestyles="dashed", label="baseline")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("mIoU (%)")
    axes.legend(fontsize="small", loc="center right")
    plots.save_figure(figure, settings.out / "random-keys.png")
