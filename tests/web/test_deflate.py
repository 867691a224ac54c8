"""The page's own deflate, in Node: what it writes is inflated by zlib and by ISA-L, and its PNG read by Pillow."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isal import igzip_lib
from PIL import Image

import veilseg
from tests.web.node import run_node
from veilseg.data.scenes import generate_scene
from veilseg.png import _paeth

BLOCK = 65535  # values or runs
SIZE = (96, 128)


def inputs() -> dict[str, bytes]:
    """Bytes by name: where a compressor's cases lie."""
    rng = np.random.default_rng(0)

    def noise(count: int) -> bytes:
        return rng.integers(0, 256, count, np.uint8).tobytes()

    counts = [1, 1]
    while len(counts) < 22:
        counts.append(counts[-1] + counts[-2])
    fibonacci = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)  # Huffman's own codes would have 21 bits
    rng.shuffle(fibonacci)
    runs = b"".join(bytes([value % 256]) * length for value, length in enumerate([*range(1, 300), 515, 516, 517, 518]))
    photo = generate_scene(3, size=SIZE).image
    sorted_ = veilseg.cipher("subblock-sort", sub_block=4).encrypt(photo).pixels
    return {
        "empty": b"",
        "one": b"\x07",
        "two": b"\x07\x07",
        "constant": bytes(1_000_000),
        "noise": noise(200_000),
        "few values": rng.geometric(0.4, 200_000).astype(np.uint8).tobytes(),
        "fibonacci": fibonacci.tobytes(),
        "fibonacci in order": np.sort(fibonacci).tobytes(),
        "runs": runs,
        "all values": bytes(range(256)) * 3,
        "run over a border": noise(BLOCK - 5) + bytes(400) + noise(BLOCK),
        "noise with a run": noise(30_000) + bytes(40) + noise(BLOCK - 30_000 + 100),
        "picture": _paeth(sorted_.reshape(len(sorted_), -1)).tobytes(),
        **{f"{count} of noise": noise(count) for count in (BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1)},
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder with what Node wrote, and what it printed."""
    out = tmp_path_factory.mktemp("deflate")
    for name, data in inputs().items():
        (out / f"{name}.bin").write_bytes(data)
    (out / "picture.rgb").write_bytes(generate_scene(3, size=SIZE).image.tobytes())
    (out / "picture.json").write_text(json.dumps({"height": SIZE[0], "width": SIZE[1]}))
    return out, run_node("deflate.mjs", out)


@pytest.mark.parametrize("name", inputs())
def test_what_it_writes_is_inflated(done: tuple[Path, Any], name: str) -> None:
    data = (done[0] / f"{name}.bin").read_bytes()
    stream = (done[0] / f"{name}.z").read_bytes()
    inflate = zlib.decompressobj()
    assert inflate.decompress(stream) == data
    assert inflate.eof
    assert inflate.unused_data == b""
    assert igzip_lib.decompress(stream, igzip_lib.COMP_ZLIB) == data
    assert len(stream) <= len(data) + 100 * (len(data) // BLOCK + 1)  # stored where codes do not pay


@pytest.mark.parametrize("name", ["few values", "fibonacci", "picture"])
def test_it_takes_no_more_bytes_than_runs_take_in_zlib(done: tuple[Path, Any], name: str) -> None:
    data = (done[0] / f"{name}.bin").read_bytes()
    runs = zlib.compressobj(strategy=zlib.Z_RLE)
    assert len((done[0] / f"{name}.z").read_bytes()) <= 1.01 * len(runs.compress(data) + runs.flush())


def test_runs_take_next_to_nothing(done: tuple[Path, Any]) -> None:
    assert (done[0] / "constant.z").stat().st_size < 1200


def test_its_png_is_read_by_pillow(done: tuple[Path, Any]) -> None:
    with Image.open(done[0] / "picture.png") as image:
        assert image.info == {"veilseg": "{}"}
        assert (np.asarray(image) == generate_scene(3, size=SIZE).image).all()


def test_limited_codes_are_complete(done: tuple[Path, Any]) -> None:
    """Fibonacci's numbers make Huffman's codes the longest: one bit more for every symbol."""
    assert [each["sum"] for each in done[1]] == [1, 1, 1]
    assert all(each["longest"] <= each["limit"] for each in done[1])
