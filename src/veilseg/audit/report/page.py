"""The audit's page: one HTML file with everything inside, no scripts, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from veilseg.audit.base import Pixels
from veilseg.audit.cipher_audit import AttackResult, CipherResult
from veilseg.audit.report.json_report import LPIPS, key_word, reading, scores, to_dict
from veilseg.evaluation.provenance import html_line, provenance
from veilseg.evaluation.report import write_page

JSON_NAME = "audit.json"


def write_audit(
    results: Sequence[CipherResult], references: Sequence[Pixels], folder: Path, seed: int, *, overwrite: bool = False
) -> Path:
    """Writes `folder`/index.html and audit.json; returns the page's path.

    The page shows the audited images as they are: it is as private as they are.
    """
    facts = provenance(seed=seed)
    figures = {**facts, **to_dict(results, references)}
    return write_page(folder, build_page(results, facts), JSON_NAME, figures, overwrite=overwrite)


def build_page(results: Sequence[CipherResult], facts: dict[str, Any]) -> str:
    """The whole page; `facts` is what provenance() says. Pictures are of the first image."""
    first = results[0].samples[0]
    template = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        count=len(results[0].samples),
        original=_figure(first.image, "The photograph", first.name),
        summary="\n".join(_summary(result) for result in results),
        sections="\n".join(_section(result) for result in results),
        lpips=escape(LPIPS),
        footer=html_line(facts, f"seed {facts['seed']}"),
    )


def _summary(result: CipherResult) -> str:
    attack, best = result.best or (None, None)
    reader = next((one for one in result.attacks if one.read), attack)
    keys = [one.attack.name for one in result.attacks if one.key and one.key["key_recovered"]]
    cells = (
        str(result.cipher.spec),
        attack.attack.name if attack else "no picture",
        *scores(best),
        reading(reader) if reader else "",
        ", ".join(keys) or ("nobody" if result.cipher.key_use != "none" else "there is none"),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _section(result: CipherResult) -> str:
    figures = [
        _figure(made.pictures[0], attack.attack.name, f"{name}: SSIM {made.similar[0].ssim:.3f}")
        for attack in result.attacks
        for name, made in attack.reconstructions.items()
    ]
    rows = "\n".join(_row(attack) for attack in result.attacks)
    return (
        f"<h2>{escape(str(result.cipher.spec))}</h2>\n"
        f'<section class="grid">\n{"".join(figures)}\n</section>\n'
        '<div class="scroll"><table><thead><tr><th>attack</th><th>needs</th><th>SSIM</th><th>PSNR</th>'
        "<th>machines read</th><th>key</th><th>seconds</th><th>more</th></tr></thead><tbody>"
        f"{rows}</tbody></table></div>"
    )


def _row(attack: AttackResult) -> str:
    best = attack.best
    more = {**{name: value for name, value in (attack.key or {}).items() if name != "key_recovered"}, **attack.figures}
    cells = (
        attack.attack.name,
        attack.attack.needs,
        *scores(best),
        reading(attack),
        key_word(attack),
        f"{attack.seconds:.1f}",
        "; ".join(f"{name.replace('_', ' ')}: {_value(value)}" for name, value in more.items()),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _figure(picture: Pixels, title: str, words: str) -> str:
    height, width = picture.shape[:2]
    return (
        f'<figure><img src="{_data_uri(picture)}" width="{width}" height="{height}" alt="{escape(title)}">'
        f"<figcaption><b>{escape(title)}</b>{escape(words)}</figcaption></figure>"
    )


def _data_uri(picture: Pixels) -> str:
    """A picture as text. JPEG: it is to be looked at, and the figures were measured before."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
