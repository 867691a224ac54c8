"""How fast the page encrypts in Chromium, and whether it freezes: `python bench/web.py --json results/web.json`.

A slope with noise is encrypted by the page's modules and by Python on this machine, PNG included, in turns. Then a
photograph is given to the page itself, which counts how long its clock ever stood still until the file was sent, and
until the label map was drawn.
VEILSEG_CHROMIUM names the browser if it is not /usr/bin/chromium.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import veilseg
from veilseg.ciphers.kernels import engine
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.scale import ORIGINAL

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.service import running

WAYS = (("subblock-sort", 4), ("subblock-sort", 8), ("subblock-shuffle", 4), ("mosaic", 8))
PICTURE = """([width, height]) => {
    const data = new Uint8Array(3 * width * height);
    for (let at = 0; at < data.length; at++) data[at] = 200 * (at % (3 * width)) / (3 * width) + 16 * Math.random();
    globalThis.picture = { width, height, data };
}"""
ENCRYPT = """async input => {
    const { encrypt } = await import("/encrypt.js");
    const start = performance.now();
    await encrypt(globalThis.picture, input);
    return (performance.now() - start) / 1000;
}"""
WATCH = """() => {
    globalThis.frozen = 0;
    let last = performance.now();
    setInterval(() => {
        const now = performance.now();
        globalThis.frozen = Math.max(globalThis.frozen, now - last);
        last = now;
    }, 4);
}"""


def speed(page: Page, megapixels: float, repeats: int) -> list[dict[str, Any]]:
    """Megapixels a second in the browser and in Python, and their ratio, by cipher."""
    height, width = sides(megapixels)
    page.evaluate(PICTURE, [width, height])
    image, rows = picture(height, width), []
    for name, s in WAYS:
        cipher = veilseg.cipher(name, sub_block=s)
        given = cipher.spec.to_dict()
        taken: dict[str, list[float]] = {"browser": [], "python": []}
        for turn in range(repeats + 1):
            seconds = page.evaluate(ENCRYPT, given)
            start = time.perf_counter()
            cipher.encrypt(image, longer_side=ORIGINAL).to_bytes()
            if turn:  # compiling and loading are not what is measured
                taken["python"].append(time.perf_counter() - start)
                taken["browser"].append(seconds)
        middle = {way: statistics.median(all_) for way, all_ in taken.items()}
        rows.append(
            {
                "cipher": name,
                "sub_block": s,
                "megapixels": round(height * width / 1e6, 2),
                **{f"{way}_mp_per_second": round(height * width / 1e6 / each, 2) for way, each in middle.items()},
                "browser_of_python": round(middle["python"] / middle["browser"], 3),
            }
        )
        print(rows[-1], flush=True)
    return rows


def frozen(page: Page, megapixels: float, folder: Path) -> dict[str, Any]:
    """A photograph of that size on the page, which reduces it.

    The longest that its clock stood still until it was sent, and until the label map was drawn.
    """
    height, width = sides(megapixels)
    photo = folder / "photo.jpg"
    Image.fromarray(picture(height, width)).save(photo, quality=90)
    with page.expect_request("**/v1/segment**"):
        page.evaluate(WATCH)
        page.set_input_files("#file", photo)
    found = {"megapixels": round(height * width / 1e6, 2), "longest_standstill_ms": round(page.evaluate("frozen"), 1)}
    page.wait_for_selector("body[data-done]")
    found["with_the_answer_ms"] = round(page.evaluate("frozen"), 1)
    print(found, flush=True)
    return found


def picture(height: int, width: int) -> np.ndarray:
    """The slope with noise, uint8 [height, width, 3]."""
    noise = np.random.default_rng(0).integers(0, 16, (height, width, 3), np.uint8)
    return noise + np.linspace(0, 200, width).astype(np.uint8)[None, :, None]


def sides(megapixels: float) -> tuple[int, int]:
    """Height and width, 3:4, multiples of 16."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5) // 16 * 16
    return height, height * 4 // 3 // 16 * 16


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 4, 12], metavar="MEGAPIXELS")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    engine.kernels("kernels", engine.WORTH_NUMBA)  # a process that goes on, whatever the size of its first image
    path = os.environ.get("VEILSEG_CHROMIUM", "/usr/bin/chromium")
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch), "default") as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(service.url)
        page.wait_for_selector("#about-model:not(:empty)")
        rows = [row for size in given.sizes for row in speed(page, size, given.repeats)]
        page.reload()
        page.wait_for_selector("#about-model:not(:empty)")
        still = frozen(page, max(given.sizes), Path(scratch))
        figures = {"browser": browser.version, "speed": rows, "page": still}
        browser.close()
    if given.json is not None:
        write_json(given.json, {**figures, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
