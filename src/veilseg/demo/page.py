"""The demo's page: one HTML file with everything inside, no scripts, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from veilseg.catalog import DEFAULT_CIPHER
from veilseg.cells import describe_cells
from veilseg.demo.measurements import DEMO_BLOCK, Demo
from veilseg.demo.pictures import (
    best_scene,
    crop,
    data_uri,
    mosaic_of,
    plate_box,
    sent_images,
    sorted_pixels,
    street_box,
)
from veilseg.evaluation.provenance import html_line, provenance
from veilseg.evaluation.report import percent, write_page
from veilseg.runtime import colorize
from veilseg.spec import make_spec

SUB_BLOCKS = (4, 8, 16)
STRIP_SIZE = (192, 128)

TRUTH = """\
The mosaic shows where the road runs, that a car stands there, and its colour; the server knows the map too, because it
computes it. Large writing close to the camera can be larger than the cells of the mosaic. With one key for model and
images, every block of every image is permuted alike, and that permutation can be computed from a single known pair of
pictures, or in seconds from a few encrypted pictures alone: it keeps others from using the model, and hides no images.
Neither method is cryptographic secrecy."""


def build_page(demo: Demo, facts: dict[str, Any]) -> str:
    """The whole page for `demo`; `facts` is what provenance() says."""
    index = best_scene(demo.scenes)
    scene, s = demo.scenes[index], demo.sub_block
    spec = make_spec(DEFAULT_CIPHER, sub_block=s)
    sub_blocks = tuple(sorted({*SUB_BLOCKS, s}))
    by_size = dict(zip(sub_blocks, shown := sent_images(scene.image, sub_blocks, DEMO_BLOCK), strict=False))
    box = plate_box(scene)

    def as_map(row: str) -> np.ndarray:
        return colorize(demo.rows[row].maps[index], demo.palette)

    main = [
        _figure([scene.image], "The photograph", "A generated street scene. It stays with the client."),
        _figure(
            [by_size[s].pixels],
            "What the cloud gets",
            f"Shuffled by independent keys (s = {s}), which are gone.",
            "cloud",
        ),
        _figure([sorted_pixels(scene.image, s)], "Or this, the same sorted", "No key ever exists.", "cloud"),
        _figure(
            [mosaic_of(scene.image, s)],
            "What can be read from either",
            f"A mosaic of {s} by {s} pixels; its colours where neighbours betray them.",
        ),
        _figure([as_map("independent")], "The map computed from it", "By the cloud, and sent back."),
        _figure([colorize(scene.label, demo.palette)], "The ground truth", "What a perfect map would be."),
    ]
    plate = ""
    if box is not None:
        close = [
            _figure([crop(scene.image, box)], "Before", "A number plate in the photograph."),
            _figure([crop(by_size[s].pixels, box)], "After", "The same pixels as the cloud gets them.", "cloud"),
            _figure([crop(mosaic_of(scene.image, s), box)], "Read from it", f"Its mosaic of {s} by {s} pixels."),
        ]
        plate = '<h2>A number plate, before and after</h2>\n<section class="grid three zoom">\n' + "\n".join(close)
        plate += "\n</section>\n"
    frame = street_box(scene, *STRIP_SIZE)
    strip = []
    for size, image in zip((*sub_blocks, 0), shown, strict=True):
        words = "Independent keys." + (" The default." if size == s else "")
        if not size:
            words = f"patch-permutation, block {DEMO_BLOCK}: the grey mean of every block remains."
        pictures = [crop(image.pixels, frame), crop(image.mosaic, frame)]
        strip.append(_figure(pictures, image.name, words, "cloud" if size == s else ""))
    keyed = [
        _figure([as_map(row)], title, f"mIoU {_miou(demo, row)} over all scenes{more}.")
        for row, title, more in (
            ("correct", "Correct key", f" (plain model, plain images: {_miou(demo, 'plain')})"),
            ("wrong", "Wrong key", ""),
            ("none", "Image not encrypted", ""),
        )
    ]
    template = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        main_figures="\n".join(main),
        legend=_legend(demo),
        plate_section=plate,
        sub_block=s,
        strip="\n".join(strip),
        key_figures="\n".join(keyed),
        count=len(demo.scenes),
        table=_table(demo),
        agreement=escape(agreement(demo)),
        sentence=escape(spec.visible),
        cells=escape(describe_cells(spec, *scene.label.shape) or ""),
        truth=escape(TRUTH),
        footer=html_line(facts, f"scenes:{len(demo.scenes)}:{demo.seed}, keys from the operating system"),
    )


def write_demo(demo: Demo, folder: Path, command: str | None = None) -> Path:
    """Writes `folder`/index.html and results.json, replacing those of an earlier demo; returns the page's path."""
    facts = provenance(command, seed=demo.seed)
    figures = {
        "rows": {short: {"name": row.name, **row.result.to_dict()} for short, row in demo.rows.items()},
        "same_pixels": {
            "independent keys and sorted": demo.agreement("independent", "sorted"),
            "correct key and plain": demo.agreement("correct", "plain"),
        },
    }
    return write_page(folder, build_page(demo, facts), "results.json", {**facts, **figures}, overwrite=True)


def agreement(demo: Demo) -> str:
    """What the maps themselves say, in two sentences: the same under every key, and with and without encryption."""
    keyless = _share(demo.agreement("independent", "sorted"))
    keyed = _share(demo.agreement("correct", "plain"))
    return (
        f"Independent keys and sorting gave the same class in {keyless} of all pixels. The encrypted model with the "
        f"correct key and the plain model on the plain image gave the same class in {keyed}."
    )


def _share(fraction: float) -> str:
    """A percentage that says 100 % only when nothing differs."""
    return "100 %" if fraction == 1 else f"{min(100 * fraction, 99.9999):.4f} %"


def _miou(demo: Demo, row: str) -> str:
    return percent(demo.rows[row].result.scores["mIoU"]) + " %"


def _figure(pictures: Sequence[np.ndarray], title: str, words: str, kind: str = "") -> str:
    images = "".join(
        f'<img src="{data_uri(picture)}" width="{picture.shape[1]}" height="{picture.shape[0]}" alt="{escape(title)}">'
        for picture in pictures
    )
    opening = f'<figure class="{kind}">' if kind else "<figure>"
    return f"{opening}{images}<figcaption><b>{escape(title)}</b>{escape(words)}</figcaption></figure>"


def _legend(demo: Demo) -> str:
    return "".join(
        '<li><i style="background:rgb({},{},{})"></i>{}</li>'.format(*colour, escape(name))
        for name, colour in zip(demo.classes, demo.palette.tolist(), strict=True)
    )


def _table(demo: Demo) -> str:
    lines, group = [], None
    for row in demo.rows.values():
        if row.group != group:
            group = row.group
            lines.append(f'<tr class="group"><th colspan="5">{escape(group)}</th></tr>')
        cells = {f"{name} %": percent(value) for name, value in row.result.scores.items()}
        cells["sent"] = f"{row.result.bytes_per_image / 1000:,.0f} kB"
        # On phones the head of the table is not shown, and every cell says what it is.
        rest = "".join(f'<td data-column="{escape(name)}">{value}</td>' for name, value in cells.items())
        lines.append(f"<tr><td>{escape(row.name)}</td>{rest}</tr>")
    return "\n".join(lines)
