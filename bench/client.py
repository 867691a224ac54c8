"""What encryption costs a client beside reading and writing: `python bench/client.py --json results/client.json`.

Three questions, ways in turns, medians: a JPEG file in and an encrypted PNG file out, against decoding and encoding
alone; bytes and time of PNG's compression, by strategy; frames a second of a video. And the whole command, from its
start, against the number of images. Pictures are generated street scenes with the noise of a camera.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import veilseg
from veilseg.benchmarks.speed import medians
from veilseg.ciphers import Cipher, EncryptedImage
from veilseg.ciphers.kernels import engine
from veilseg.data.scenes import generate_scene
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.images import open_image
from veilseg.scale import ORIGINAL

SIDES = (4, 8, 12, 16)
WAYS = [*product(("subblock-sort", "subblock-shuffle"), SIDES), ("mosaic", 8)]
STRATEGIES = {
    "default": {"compress_type": zlib.Z_DEFAULT_STRATEGY},
    "default, level 1": {"compress_type": zlib.Z_DEFAULT_STRATEGY, "compress_level": 1},
    "filtered": {"compress_type": zlib.Z_FILTERED},
    "runs": {"compress_type": zlib.Z_RLE},
    "no repeats": {"compress_type": zlib.Z_HUFFMAN_ONLY},
}


def photograph(height: int, width: int) -> np.ndarray:
    """A scene with noise of 2 grey levels, uint8 [height, width, 3]: without noise, a drawing compresses too well."""
    scene = generate_scene(0, size=(height, width)).image
    noise = np.random.default_rng(0).normal(0, 2, scene.shape)
    return np.clip(scene + noise, 0, 255).round().astype(np.uint8)


def whole(jpeg: bytes, cipher: Cipher, target: Path) -> None:
    """What a client does."""
    target.write_bytes(cipher.encrypt(open_image(jpeg), longer_side=ORIGINAL).to_bytes())


def end_to_end(height: int, width: int, repeats: int, folder: Path) -> list[dict[str, Any]]:
    """A row per cipher: images a second, and of the parts alone."""
    buffer = io.BytesIO()
    Image.fromarray(photograph(height, width)).save(buffer, "JPEG", quality=90)
    jpeg, rows = buffer.getvalue(), []
    for name, s in WAYS:
        cipher = veilseg.cipher(name, sub_block=s)
        image = open_image(jpeg)
        encrypted = cipher.encrypt(image, longer_side=ORIGINAL)
        seconds = medians(
            {
                "whole": partial(whole, jpeg, cipher, folder / "out.png"),
                "decode": partial(open_image, jpeg),
                "encrypt": partial(cipher.encrypt, image, longer_side=ORIGINAL),
                "encode": encrypted.to_bytes,
            },
            repeats,
        )
        around = seconds["decode"] + seconds["encode"]
        rows.append(
            {
                "cipher": name,
                "sub_block": s,
                "images_per_second": round(1 / seconds["whole"], 2),
                "of_decoding_and_encoding_alone": round(around / seconds["whole"], 3),
                **{f"{part}_share": round(seconds[part] / seconds["whole"], 3) for part in seconds if part != "whole"},
                "bytes": len(encrypted.to_bytes()),
                "bytes_jpeg": len(jpeg),
            }
        )
        print(rows[-1], flush=True)
    return rows


def compression(height: int, width: int, repeats: int) -> list[dict[str, Any]]:
    """Bytes a pixel and time of PNG's ways to compress, relative to zlib's default strategy.

    Pillow's, with row filters chosen row by row, and the one that encrypted files are written with.
    """
    image = photograph(height, width)
    rows = []
    for name, s in WAYS:
        encrypted = veilseg.cipher(name, sub_block=s).encrypt(image, longer_side=ORIGINAL)
        pixels = Image.fromarray(encrypted.pixels)

        def save(options: dict[str, int], pixels: Image.Image = pixels) -> int:
            buffer = io.BytesIO()
            pixels.save(buffer, "PNG", **options)
            return buffer.tell()

        def write(encrypted: EncryptedImage = encrypted) -> int:
            return len(encrypted.to_bytes())

        ways: dict[str, Callable[[], int]] = {way: partial(save, given) for way, given in STRATEGIES.items()}
        ways["Paeth, ISA-L"] = write
        seconds = medians(ways, repeats)
        for way, job in ways.items():
            rows.append(
                {
                    "cipher": name,
                    "sub_block": s,
                    "strategy": way,
                    "bytes_per_pixel": round(job() / (height * width), 3),
                    "times_as_fast": round(seconds["default"] / seconds[way], 2),
                }
            )
        print(*rows[-len(ways) :], sep="\n", flush=True)
    return rows


def video(sizes: dict[str, tuple[int, int]], count: int, folder: Path) -> list[dict[str, Any]]:
    """Frames a second: decoding alone, and encrypted into PNG as a service takes them."""
    import av

    from veilseg.batch.video import frames

    cipher, rows = veilseg.cipher("subblock-sort"), []
    for name, (height, width) in sizes.items():
        clip = folder / f"{name}.mp4"
        still = photograph(height, width)
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for number in range(count):
                moved = np.roll(still, 4 * number, axis=1)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
            container.mux(stream.encode())

        def decode(clip: Path = clip) -> int:
            return sum(1 for _ in frames(str(clip)))

        def write(clip: Path = clip) -> int:
            return sum(
                len(cipher.encrypt(frame.pixels, longer_side=ORIGINAL).to_bytes()) for frame in frames(str(clip))
            )

        def encrypt(clip: Path = clip) -> int:
            return sum(cipher.encrypt(frame.pixels, longer_side=ORIGINAL).pixels.size for frame in frames(str(clip)))

        seconds = medians({"decode": decode, "encrypt": encrypt, "whole": write}, 3)
        rows.append({"video": name, **{f"{part}_fps": round(count / taken, 1) for part, taken in seconds.items()}})
        print(rows[-1], flush=True)
    return rows


def growth(counts: list[int], folder: Path) -> list[dict[str, Any]]:
    """Seconds of the whole command for so many images of 160 x 120, and of a Python that does nothing."""
    photographs = folder / "photographs"
    photographs.mkdir()
    image = Image.fromarray(photograph(120, 160))
    made, rows = 0, []
    for count in counts:
        for number in range(made, count):
            image.save(photographs / f"{number:05}.jpg", quality=90)
        made = count
        command = [sys.executable, "-m", "veilseg.cli.main", "encrypt", str(photographs)]
        seconds = clock([*command, "-o", str(folder / f"{count}")])
        rows.append({"images": count, "seconds": round(seconds, 3), "ms_per_image": round(1000 * seconds / count, 2)})
        rows[-1]["seconds_of_python_alone"] = round(clock([sys.executable, "-c", "pass"]), 3)
        print(rows[-1], flush=True)
    return rows


def clock(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--tiny", action="store_true", help="small pictures, to see that it works")
    given = parser.parse_args()
    engine.kernels("kernels", engine.WORTH_NUMBA)  # a process that goes on, whatever the size of its first image
    height, width = (48, 64) if given.tiny else (1080, 1920)
    sizes = {"tiny": (48, 64)} if given.tiny else {"720p": (720, 1280), "1080p": (1080, 1920)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = {
            "image": f"{width} x {height}",
            "end_to_end": end_to_end(height, width, given.repeats, folder),
            "compression": compression(height, width, 1 if given.tiny else 3),
            "video": video(sizes, 2 if given.tiny else 30, folder),
            "growth": growth([1, 2] if given.tiny else [1, 10, 100, 1000, 10_000], folder),
        }
    if given.json is not None:
        write_json(given.json, {**figures, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
