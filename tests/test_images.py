"""Photographs in: formats, orientation, modes, metadata, and what is refused."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin
from pillow_heif import register_heif_opener

from tests.pngs import SIGNATURE, chunk, ihdr, join, split
from veilseg.container import encode
from veilseg.errors import InvalidImageError, VeilsegError
from veilseg.header import Header
from veilseg.images import from_pil, list_images, open_image, to_png
from veilseg.spec import make_spec

register_heif_opener()
PIXELS = np.random.default_rng(3).integers(0, 256, (12, 17, 3), dtype=np.uint8)


def saved(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, format=kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("WEBP", {"lossless": True, "exact": True}),
    ],
)
def test_lossless_formats(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    data = saved(PIXELS, kind, **options)
    path = tmp_path / "picture"
    path.write_bytes(data)
    for source in (data, io.BytesIO(data), path, str(path)):
        image = open_image(source)
        assert image.dtype == np.uint8
        assert np.array_equal(image, PIXELS)
    image[0, 0] = 0  # the array is the caller's own


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(progressive: bool) -> None:
    smooth = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], 20, axis=0).repeat(3, axis=2)
    image = open_image(saved(smooth, "JPEG", quality=95, progressive=progressive))
    assert image.shape == smooth.shape
    assert np.abs(image.astype(int) - smooth).max() < 6


def test_first_picture_of_a_phone_jpeg() -> None:
    data = saved(PIXELS, "MPO", save_all=True, append_images=[Image.new("RGB", (17, 12))], quality=95)
    assert open_image(data).std() > 30


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(PIXELS, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert (expected.shape == PIXELS.shape) == (orientation < 5)
    assert np.array_equal(open_image(data), expected)


def test_unreadable_exif_means_upright() -> None:
    data = saved(PIXELS, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")
    assert np.array_equal(open_image(data), PIXELS)
    exif = Image.Exif()
    exif[0x0112] = 77
    assert np.array_equal(open_image(saved(PIXELS, exif=exif)), PIXELS)


def test_grey_and_palette_images() -> None:
    grey = PIXELS[..., 0]
    three = np.stack([grey] * 3, axis=-1)
    assert np.array_equal(open_image(saved(grey)), three)
    assert np.array_equal(from_pil(Image.fromarray(grey)), three)
    palette = Image.fromarray(PIXELS).quantize(200)
    assert np.array_equal(open_image(saved(palette)), np.asarray(palette.convert("RGB")))
    bits = Image.fromarray(grey).convert("1")
    assert set(np.unique(open_image(saved(bits)))) == {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_dropped_only_where_it_says_nothing(mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    image.putalpha(255)
    opaque = open_image(saved(image))
    assert np.array_equal(opaque, np.asarray(Image.fromarray(PIXELS).convert(mode[:-1]).convert("RGB")))
    alpha = Image.new("L", image.size, 255)
    alpha.putpixel((3, 3), 254)
    image.putalpha(alpha)
    with pytest.raises(InvalidImageError, match="transparent"):
        open_image(saved(image))


def test_transparent_colour() -> None:
    one = PIXELS.copy()
    one[0, 0] = (1, 2, 3)
    with pytest.raises(InvalidImageError, match="transparent"):
        open_image(saved(one, transparency=(1, 2, 3)))
    palette = Image.fromarray(PIXELS[..., 0]).convert("P")
    index: Any = palette.getpixel((0, 0))
    with pytest.raises(InvalidImageError, match="transparent"):
        open_image(saved(palette, transparency=index))


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


def test_16_bit_rgb_keeps_its_upper_bits() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (4, 4, 3), dtype=np.uint16)
    header = Header(spec=make_spec("patch-rotation", 4), height=4, width=4, key_fingerprint="0" * 16)
    data = join([chunk for chunk in split(encode(values, header)) if chunk[0] != b"tEXt"])
    with pytest.warns(UserWarning, match="16 bits"):
        assert np.array_equal(open_image(data), values >> 8)


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


def test_to_png_writes_pixels_alone() -> None:
    data = to_png(PIXELS)
    assert {kind for kind, _ in split(data)} == {b"IHDR", b"IDAT", b"IEND"}
    assert np.array_equal(open_image(data), PIXELS)


def test_list_images(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png", "c.tiff"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / ".cache").mkdir()
    for name in ("sub/a.jpg", ".cache/d.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)] == [
        "a.jpg",
        "b.PNG",
        "c.tiff",
        "sub/a.jpg",
    ]


def test_text_of_a_png_does_not_matter() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "taken at home")
    assert np.array_equal(open_image(saved(PIXELS, pnginfo=text)), PIXELS)
