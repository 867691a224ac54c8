"""What is no photograph, or not one picture of a size that can be read, is refused before memory is spent on it."""

from __future__ import annotations

import contextlib
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pngs import SIGNATURE, chunk, ihdr, join, split
from tests.test_images import PIXELS, saved
from veilseg.container import encode
from veilseg.errors import InvalidImageError, VeilsegError
from veilseg.header import Header
from veilseg.images import from_pil, open_image
from veilseg.spec import make_spec


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (Image.fromarray(PIXELS[..., 0].astype(np.float32)), "TIFF", "more than 16 bits"),
        (Image.fromarray(PIXELS[..., 0].astype(np.int32)), "TIFF", "more than 16 bits"),
        (Image.fromarray(PIXELS).convert("LAB"), "TIFF", "not in RGB, grey or CMYK"),
    ],
)
def test_modes_that_need_a_choice_are_refused(image: Image.Image, kind: str, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message) as caught:
        open_image(saved(image, kind))
    assert caught.value.hint == "convert it to 8-bit RGB first"


@pytest.mark.parametrize("kind", ["GIF", "PPM", "ICO", "JPEG2000", "TGA", "PDF", "PCX"])
def test_other_formats_are_not_opened(kind: str) -> None:
    with pytest.raises(InvalidImageError, match=r"not an image, or not one in a format|is not read"):
        open_image(saved(PIXELS, kind))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_animations_are_refused(kind: str) -> None:
    data = saved(PIXELS, kind, save_all=True, append_images=[Image.new("RGB", (17, 12))])
    with pytest.raises(InvalidImageError, match="several pictures"):
        open_image(data)


def test_encrypted_images_are_not_photographs() -> None:
    with pytest.raises(InvalidImageError, match="encrypted already"):
        open_image(encode(np.zeros((4, 4, 3), np.uint8), Header(spec=make_spec("mosaic", 4), height=4, width=4)))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(VeilsegError, match="does not exist"):
        open_image(tmp_path / "none.jpg")
    with pytest.raises(VeilsegError, match="is a folder"):
        open_image(tmp_path)


def test_empty_pil_image() -> None:
    with pytest.raises(InvalidImageError, match="no pixels"):
        from_pil(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize(
    "data", [b"", b"hello", SIGNATURE, b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"II*\0\0\0\0\0", b"BM" + bytes(60)]
)
def test_things_that_are_no_images(data: bytes) -> None:
    with pytest.raises(InvalidImageError):
        open_image(data)


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + ihdr(50_000, 50_000) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""),
        SIGNATURE + ihdr(10_100, 10_000) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""),
        b"BM" + bytes(12) + (40).to_bytes(4, "little") + (60_000).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24),
    ],
    ids=["png", "png just over", "bmp"],
)
def test_size_is_checked_before_decoding(data: bytes) -> None:
    open_image(saved(PIXELS))
    tracemalloc.start()
    try:
        with warnings.catch_warnings(action="error"), pytest.raises(InvalidImageError, match="too large"):
            open_image(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_tiny_files_claim_no_memory() -> None:
    data = SIGNATURE + ihdr(9_000, 9_000) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    with pytest.raises(InvalidImageError, match="claims 9000 x 9000 pixels in"):
        open_image(data)
    blank = saved(Image.new("L", (5000, 4000)))
    assert open_image(blank).shape == (4000, 5000, 3), "a blank page is not mistaken for a bomb"


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_compressed_text_bombs(kind: bytes) -> None:
    bomb = zlib.compress(bytes(100_000_000))
    body = b"name\0\1\0\0\0" + bomb if kind == b"iTXt" else b"name\0\0" + bomb
    chunks = split(saved(PIXELS))
    data = join([chunks[0], (kind, body), *chunks[1:]])
    tracemalloc.start()
    try:
        with contextlib.suppress(InvalidImageError):
            assert np.array_equal(open_image(data), PIXELS)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


VALID = {
    "PNG": saved(PIXELS),
    "JPEG": saved(PIXELS, "JPEG"),
    "WEBP": saved(PIXELS, "WEBP"),
    "BMP": saved(PIXELS, "BMP"),
    "TIFF": saved(PIXELS, "TIFF", compression="tiff_lzw"),
    "AVIF": saved(PIXELS, "AVIF"),
    "HEIF": saved(PIXELS, "HEIF"),
}


@pytest.mark.filterwarnings("default")
@settings(max_examples=200, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(VALID)))
def test_mutated_photographs_raise_nothing_else(data: st.DataObject, kind: str) -> None:
    raw = bytearray(VALID[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, min(len(raw) - 1, 300)))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw))) :]
    with contextlib.suppress(InvalidImageError):
        image = open_image(bytes(raw))
        assert image.dtype == np.uint8
        assert image.ndim == 3


@pytest.mark.parametrize("kind", sorted(VALID))
def test_half_a_photograph_is_refused(kind: str) -> None:
    with pytest.raises(InvalidImageError):
        open_image(VALID[kind][: len(VALID[kind]) // 2])
