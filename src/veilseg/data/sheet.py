"""The contact sheet: what the check found, with pictures, as one HTML file that loads nothing from anywhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from string import Template

import numpy as np
from PIL import Image

from veilseg.data.base import IGNORED, SegmentationData
from veilseg.data.check import DataReport
from veilseg.errors import VeilsegError

#: Pairs with pictures; a sheet of more is too large to look at.
SHOWN = 48
_SIDE = 320  # pixels of a picture
_VEIL = 0.6  # how much of a class's colour lies over the photograph
_STRIPES = (120, 250)  # grey levels of what is ignored


def build_sheet(checked: Sequence[tuple[SegmentationData, DataReport]], shown: int = SHOWN) -> str:
    """The page for datasets and their reports. It shows the photographs: it is as private as they are.

    At most `shown` pairs a dataset have pictures: those with faults that can be read first, the others evenly spread.
    """
    template = Template(resources.files(__package__).joinpath("sheet.html").read_text(encoding="utf-8"))
    faults = sum(len(report.faults) for _, report in checked)
    images = sum(report.count for _, report in checked)
    return template.substitute(
        title=escape(", ".join(report.name for _, report in checked)),
        verdict=f"{_count(faults, 'fault')} in {_count(images, 'image')}",
        sections="\n".join(_section(data, report, shown) for data, report in checked),
    )


def _section(data: SegmentationData, report: DataReport, shown: int) -> str:
    chosen = choose(report, shown)
    figures = [figure for index in chosen if (figure := _figure(data, report, index))]
    sizes = ", ".join(f"{count} of {w} x {h}" for (w, h), count in report.sizes.most_common(6))
    more = f" and {len(report.sizes) - 6} other sizes" if len(report.sizes) > 6 else ""
    parts = [
        f"<h2>{escape(report.name)}</h2>",
        f"<p>{_count(report.count, 'image')}: {sizes or 'none that could be read'}{more}. "
        f"{report.ignored:.1%} of the pixels are ignored.</p>",
        _list("Faults", [str(fault) for fault in report.faults], "fault"),
        _list("Remarks", report.remarks, "remark"),
        _class_table(report),
        f"<h3>Pictures</h3><p>{len(figures)} of {report.count}: the photograph, and its label over it. "
        "Striped pixels are ignored.</p>",
        f'<section class="grid" aria-label="Pictures of {escape(report.name)}">{"".join(figures)}</section>',
    ]
    return "\n".join(part for part in parts if part)


def choose(report: DataReport, shown: int) -> list[int]:
    """Indices of the pairs to show, in order: the faulty ones, and of the others as many as there is room, evenly."""
    faulty = sorted(report.faulty)[:shown]
    others = [index for index in range(report.count) if index not in report.faulty]
    room = min(shown - len(faulty), len(others))
    spread = [others[index * len(others) // room] for index in range(room)]
    return sorted([*faulty, *spread])


def _class_table(report: DataReport) -> str:
    rows = [
        (str(index), _swatch(report.palette[index]), name, report.pixels[index], report.images[index])
        for index, name in enumerate(report.classes)
    ]
    beyond = [index for index in range(len(report.classes), IGNORED) if report.pixels[index]]
    rows += [(str(index), "", "no class", report.pixels[index], report.images[index]) for index in beyond]
    rows.append((str(IGNORED), "", "ignored", report.pixels[IGNORED], report.images[IGNORED]))
    total = max(1, int(report.pixels.sum()))
    body = "".join(
        f'<tr><td class="number">{id_}</td><th scope="row">{swatch}{escape(name)}</th>'
        f'<td class="number">{pixels:,}</td><td class="number">{pixels / total:.2%}</td>'
        f'<td class="number">{images}</td></tr>'
        for id_, swatch, name, pixels, images in rows
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Classes"><table><thead><tr>'
        '<th scope="col" class="number">id</th>'
        '<th scope="col">class</th><th scope="col" class="number">pixels</th><th scope="col" class="number">share</th>'
        f'<th scope="col" class="number">images</th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def _figure(data: SegmentationData, report: DataReport, index: int) -> str:
    """A pair's two pictures; empty for one that cannot be read."""
    try:
        sample = data[index]
    except VeilsegError:
        return ""
    names = [report.classes[id_] for id_ in np.unique(sample.label) if id_ < len(report.classes)]
    caption = escape(sample.name) + (' <b class="fault">fault</b>' if index in report.faulty else "")
    words = escape(f"{sample.name}: {', '.join(names) or 'nothing labelled'}")
    pictures = (
        (sample.image, f"Photograph {escape(sample.name)}"),
        (overlay(sample.image, sample.label, report.palette), f"Label of {words}"),
    )
    shown = "".join(f'<img src="{_data_uri(picture)}" alt="{alt}" loading="lazy">' for picture, alt in pictures)
    return f"<figure><div>{shown}</div><figcaption>{caption}</figcaption></figure>"


def overlay(image: np.ndarray, label: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The label's colours over the photograph, uint8 [H, W, 3]; stripes where a pixel is ignored or has no class."""
    height, width = label.shape
    stripe = max(2, width // 60)
    bands = (np.add.outer(np.arange(height), np.arange(width)) // stripe) % 2
    known = label < len(palette)
    colours = np.asarray(_STRIPES, np.uint8)[bands][..., None].repeat(3, axis=2)
    colours[known] = palette[label[known]]
    return np.asarray(image * (1 - _VEIL) + colours * _VEIL, np.uint8)


def _data_uri(picture: np.ndarray) -> str:
    shown = Image.fromarray(picture)
    shown.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _swatch(colour: Iterable[int]) -> str:
    return f'<span class="swatch" style="background: rgb({", ".join(map(str, colour))})"></span>'


def _list(title: str, lines: Sequence[str], kind: str) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<h3>{title}</h3><ul class="{kind}s">{items}</ul>'


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
