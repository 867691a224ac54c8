"""report.html: what it says agrees with the run, it needs nothing from elsewhere, and axe-core finds nothing."""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser
from tests.training.test_training_run import TINY

from veilseg.models import SegmentationModel
from veilseg.training.load import from_dict
from veilseg.training.report.curves import draw, read_log
from veilseg.training.report.pictures import choose
from veilseg.training.training_run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SegmentationModel]:
    folder = tmp_path_factory.mktemp("runs") / "a <run> & more"
    data = {**TINY["data"], "val": {"source": "scenes:5:1"}}
    return folder, train(from_dict({**TINY, "data": data}), folder)


def test_it_says_what_the_run_measured(run: tuple[Path, SegmentationModel]) -> None:
    folder, model = run
    page = (folder / "report.html").read_text()
    figures = model.config.training
    said = "aAcc {val_aacc:.2f} mIoU {val_miou:.2f} mAcc {val_macc:.2f} on scenes:5:1, in percent".format(**figures)
    assert said in page
    assert "a &lt;run&gt; &amp; more" in page
    assert "<run>" not in page
    assert re.search(r"<h2>Best pictures.*<h2>Worst pictures", page, re.DOTALL)
    shown = [float(score) for score in re.findall(r'<p class="note">[^:]+: mIoU ([\d.]+) %', page)]
    assert len(shown) == 5  # three and two of five, none twice
    assert shown[:3] == sorted(shown, reverse=True)[:3]
    assert shown[3:] == sorted(shown)[:2]
    assert page.count('role="img"') == 2
    for name in model.config.classes:
        assert page.count(f'<th scope="row">{name}</th>') == 2


def test_it_needs_nothing_from_elsewhere(run: tuple[Path, SegmentationModel]) -> None:
    page = (run[0] / "report.html").read_text()
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    sources = re.findall(r'<img src="data:image/(\w+);base64,([^"]+)"', page)
    assert len(sources) == page.count("<img") == page.count(' alt="') == 15
    for kind, data in sources:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.format == kind.upper()
            assert max(image.size) == 480


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_axe_finds_nothing(run: tuple[Path, SegmentationModel], browser: Browser, scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((run[0] / "report.html").as_uri())
    found = Axe().run(page).response["violations"]
    assert [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    if shots := os.environ.get("VEILSEG_SCREENSHOTS"):
        page.screenshot(path=f"{shots}/report-{width}.png", full_page=True)
    page.close()


def test_curves_of_a_run_in_parts(tmp_path: Path) -> None:
    """The second part made steps 3 and 4 again, and the file of a part may hold nothing."""
    for number, rows in enumerate((["1,9,", "3,8,", ",,5", "4,7,"], ["3,6,", "5,4,50"], [])):
        part = tmp_path / f"version_{number}"
        part.mkdir()
        rows = [row for row in rows if not row.startswith(",")]
        (part / "metrics.csv").write_text("\n".join(["step,loss,val_miou", *rows]) + "\n" if rows else "")
    assert read_log(tmp_path, "loss") == [(1, 9.0), (3, 6.0), (5, 4.0)]
    assert read_log(tmp_path, "val_miou") == [(5, 50.0)]
    assert read_log(tmp_path / "none", "loss") == []


def test_a_curve_is_named_and_drawn_inside() -> None:
    svg = draw([(0, 2.0), (50, 1.0), (100, 0.5)], "Loss <of> training")
    assert 'aria-label="Loss &lt;of&gt; training: 2 at step 0, 0.5 at step 100"' in svg
    corners = np.array([pair.split(",") for pair in re.findall(r'points="([^"]+)"', svg)[0].split()], float)
    assert corners[:, 0].tolist() == sorted(corners[:, 0])
    assert corners[:, 1].tolist() == sorted(corners[:, 1])  # downwards on the page is upwards in numbers
    assert corners.min() >= 0
    assert (corners.max(0) <= (520, 240)).all()
    assert "nan" not in draw([(7, 1.0)], "one point")


@pytest.mark.parametrize(("count", "best", "worst"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (5, 3, 2), (9, 3, 3)])
def test_best_and_worst(count: int, best: int, worst: int) -> None:
    images = [(index, (index * 7 % 10) / 10) for index in range(count)]
    first, last = choose(images)
    assert (len(first), len(last)) == (best, worst)
    assert not {index for index, _ in first} & {index for index, _ in last}
    order = sorted((miou for _, miou in images), reverse=True)
    assert [miou for _, miou in first] == order[:best]
    assert [miou for _, miou in last] == order[::-1][:worst]
