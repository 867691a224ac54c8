"""One photograph as a phone makes it, through every way in: right pixels of the map at the photograph's own size.

CamVid's val photographs, enlarged smoothly to 4000 x 3000 and saved as JPEG; the truth by nearest neighbour.
"reduced first" is what each way is compared with: Pillow's box filter before anything of ours.

    VEILSEG_CAMVID=DIR python bench/ways.py results/ways.json

VEILSEG_CHROMIUM names the browser if it is not /usr/bin/chromium.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import veilseg
from veilseg.cli.main import main as command
from veilseg.data import open_data
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.images import open_image
from veilseg.runtime import Segmenter
from veilseg.scale import ORIGINAL, enlarge_labels

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.service import Service, running

SIZE = (4000, 3000)
PHOTOGRAPHS = 3


def read(source: Path | bytes) -> np.ndarray:
    """A label map, uint8 [H, W]."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
        return np.array(image)


def maps(photo: Path, service: Service, page: Page, folder: Path) -> dict[str, np.ndarray]:
    """The label map of a photograph by every way, uint8 [3000, 4000]."""
    pixels, segmenter = open_image(photo), Segmenter("default")
    cipher = veilseg.cipher("subblock-sort")
    small = np.asarray(Image.fromarray(pixels).resize((480, 360), Image.Resampling.BOX))
    found = {
        "reduced first": enlarge_labels(segmenter.segment(cipher.encrypt(small)), *SIZE[::-1]),
        "original size": segmenter.segment(cipher.encrypt(pixels, longer_side=ORIGINAL)),
    }
    sent, made = folder / "sent.png", folder / "map.png"
    assert command(["encrypt", str(photo), "-o", str(sent), "--force"]) == 0
    assert command(["segment", str(sent), "-o", str(made), "--photo", str(photo), "--force"]) == 0
    found["command line"] = read(made)
    assert command(["segment", str(photo), "-o", str(made), "--server", service.url, "--force"]) == 0
    found["command line, service"] = read(made)
    with veilseg.Client(service.url) as client:
        found["Python client"] = client.segment(Image.open(photo))
    found["service alone"] = enlarge_labels(read(service.post(sent.read_bytes()).content), *SIZE[::-1])
    page.reload()
    page.set_input_files("#file", photo)
    page.wait_for_selector("body[data-done]")
    with page.expect_download() as download:
        page.click("#save-labels")
    found["page"] = read(Path(download.value.path()))
    return found


def main() -> None:
    """Measure and write the JSON file."""
    data = open_data(f"camvid:{os.environ['VEILSEG_CAMVID']}", "val")
    right: dict[str, list[float]] = {}
    agree: list[float] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch), "default") as service,
        sync_playwright() as playwright,
    ):
        path = os.environ.get("VEILSEG_CHROMIUM", "/usr/bin/chromium")
        page = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        page.set_default_timeout(300_000)
        page.goto(service.url)
        for index in np.linspace(0, len(data) - 1, PHOTOGRAPHS).astype(int).tolist():
            photo = Path(scratch) / "photo.jpg"
            Image.fromarray(data[index].image).resize(SIZE, Image.Resampling.BICUBIC).save(photo, quality=95)
            truth = np.asarray(Image.fromarray(data[index].label).resize(SIZE, Image.Resampling.NEAREST))
            found = maps(photo, service, page, Path(scratch))
            for way, labels in found.items():
                right.setdefault(way, []).append(float(np.mean((labels == truth)[truth != 255])))
            agree.append(float(np.mean(found["page"] == found["Python client"])))
    rows = {way: round(100 * float(np.mean(shares)), 2) for way, shares in right.items()}
    print(rows, agree)
    about = {"size": list(SIZE), "photographs": PHOTOGRAPHS, "unit": "percent of the pixels"}
    figures = {"aAcc": rows, "page_and_client_agree": round(100 * float(np.mean(agree)), 2)}
    write_json(Path(sys.argv[1]), {**provenance(), **about, **figures}, overwrite=True)


if __name__ == "__main__":
    main()
