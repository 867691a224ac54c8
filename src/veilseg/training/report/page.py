"""The page itself: one HTML file with everything inside, no scripts, nothing loaded from anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from veilseg.evaluation.metrics import ConfusionMatrix
from veilseg.evaluation.provenance import html_line, provenance
from veilseg.evaluation.report import percent
from veilseg.files import write_atomic
from veilseg.modelconfig import ModelConfig
from veilseg.training.module import SegmentationTraining
from veilseg.training.report.curves import draw, read_log
from veilseg.training.report.pictures import choose, figures
from veilseg.training.samples import ValidationSamples

REPORT_NAME = "report.html"


def write_report(folder: Path, logs: Path, module: SegmentationTraining, val: ValidationSamples) -> Path:
    """Write `folder`/report.html of a run that has just been validated; the page's path.

    `logs` holds the parts of its log; `module` is in evaluation mode, its input layer off.
    """
    config = module.model.config
    loss, miou = (read_log(logs, name) for name in ("loss", "val_miou"))
    curves = [
        f"<figure>{draw(points, title, unit)}<figcaption>{title}</figcaption></figure>"
        for points, title, unit in ((loss, "Loss of training", ""), (miou, "mIoU on val", " %"))
        if points
    ]
    best, worst = choose(module.images)
    sections = [(title, figures(module, val, chosen)) for title, chosen in (("Best", best), ("Worst", worst)) if chosen]
    matrix = module.confusion
    facts = provenance(seed=module.recipe.train.seed)
    template = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    page = template.substitute(
        title=escape(f"Training report: {folder.resolve().name}"),
        scores=" ".join(f"{name} {percent(100 * getattr(matrix, name.lower()))}" for name in ("aAcc", "mIoU", "mAcc"))
        + f" on {escape(val.data.name)}, in percent",
        facts=escape(_facts(config, len(module.images))),
        curves="\n".join(curves) or "<p>The run was too short for curves.</p>",
        classes="\n".join(_class_rows(matrix, config.classes)),
        columns="".join(f'<th scope="col">{escape(name)}</th>' for name in config.classes),
        matrix="\n".join(_matrix_rows(matrix, config.classes)),
        pictures="\n".join(f"<h2>{title} pictures</h2>\n{shown}" for title, shown in sections),
        legend="".join(
            '<li><i style="background:rgb({},{},{})"></i>{}</li>'.format(*colour, escape(name))
            for colour, name in zip(config.palette, config.classes, strict=True)
        ),
        recipe=escape(json.dumps(config.training["recipe"], indent=1, ensure_ascii=False)),
        footer=html_line(facts, f"seed {facts['seed']}"),
    )
    write_atomic(folder / REPORT_NAME, page.encode(), overwrite=True)
    return folder / REPORT_NAME


def _facts(config: ModelConfig, images: int) -> str:
    spec = config.input.encryption
    reads = "plain images" if spec is None else f"images encrypted with {spec}"
    made = f"{config.architecture}, {config.training['steps']} steps, reads {reads}"
    return f"{made}. Measured on {images} images with the weights that were saved."


def _class_rows(matrix: ConfusionMatrix, classes: Sequence[str]) -> list[str]:
    pixels = matrix.counts.sum(1).tolist()
    rows = []
    for (name, scores), count in zip(matrix.per_class(tuple(classes)).items(), pixels, strict=True):
        shown = [percent(None if value is None else 100 * value) for value in scores.values()]
        cells = "".join(f"<td>{cell}</td>" for cell in (*shown, f"{count:,}"))
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return rows


def _matrix_rows(matrix: ConfusionMatrix, classes: Sequence[str]) -> list[str]:
    rows = []
    for name, counts in zip(classes, matrix.counts, strict=True):
        total = int(counts.sum())
        shares = [count / total if total else 0.0 for count in counts.tolist()]
        cells = "".join(
            f'<td style="--share:{share:.3f}">{f"{100 * share:.1f}" if share >= 0.0005 else ""}</td>'
            for share in shares
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return rows
