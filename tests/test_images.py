"""Photographs in: formats, orientation, modes, metadata, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin
from pillow_heif import register_heif_opener

from tests.pngs import join, split
from veilseg.container import encode
from veilseg.errors import InvalidImageError
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


def test_16_bit_rgb_keeps_its_upper_bits() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (4, 4, 3), dtype=np.uint16)
    header = Header(spec=make_spec("patch-rotation", 4), height=4, width=4, key_fingerprint="0" * 16)
    data = join([chunk for chunk in split(encode(values, header)) if chunk[0] != b"tEXt"])
    with pytest.warns(UserWarning, match="16 bits"):
        assert np.array_equal(open_image(data), values >> 8)


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
