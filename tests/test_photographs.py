"""What cameras and phones make: HEIC and AVIF, colour profiles, inks, depth; and what is no photograph."""

from __future__ import annotations

import io
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from tests import profiles
from veilseg.colours import UNREADABLE
from veilseg.errors import InvalidImageError
from veilseg.images import from_pil, open_image

pillow_heif.register_heif_opener()
SMOOTH = np.stack(np.meshgrid(np.arange(40, 200, 2), np.arange(20, 212, 3), indexing="ij"), axis=-1).astype(np.uint8)
SMOOTH = np.concatenate([SMOOTH, SMOOTH[..., :1] // 2 + 50], axis=2)  # 80 x 64
P3 = profiles.display_p3()


def saved(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, format=kind, **options)
    return buffer.getvalue()


def from_p3(pixels: np.ndarray) -> np.ndarray:
    """Display P3 to sRGB by the primaries' chromaticities, without ICC: uint8 to uint8."""

    def to_xyz(primaries: list[tuple[float, float]]) -> np.ndarray:
        columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
        white = np.array([0.3127 / 0.329, 1, (1 - 0.3127 - 0.329) / 0.329])
        return columns * np.linalg.solve(columns, white)

    wide = to_xyz([(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)])
    srgb = to_xyz([(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)])
    value = pixels / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.linalg.solve(srgb, wide).T, 0, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * value)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_heic_and_avif_are_read_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{'heic' if kind == 'HEIF' else 'avif'}"
    path.write_bytes(saved(SMOOTH, kind, quality=95, exif=exif.tobytes()))
    expected = np.rot90(SMOOTH, {1: 0, 3: 2, 6: 3}[orientation]).astype(int)
    for source in (path, path.read_bytes()):
        image = open_image(source)
        assert image.shape == expected.shape
        assert np.abs(image - expected).mean() < 3


def test_of_a_heic_with_several_pictures_the_photograph_is_read() -> None:
    data = saved(SMOOTH, "HEIF", save_all=True, append_images=[Image.new("RGB", (64, 80), "lime")], primary_index=1)
    assert np.abs(open_image(data) - np.array([0, 255, 0])).max() < 4
    with pytest.raises(InvalidImageError, match="several pictures"):
        open_image(saved(SMOOTH, "AVIF", save_all=True, append_images=[Image.new("RGB", (64, 80))]))


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_damaged_heic_or_avif_is_called_so(kind: str) -> None:
    data = saved(SMOOTH, kind)
    for damaged in (data[: len(data) // 2], data[:60]):
        with pytest.raises(InvalidImageError, match="damaged"):
            open_image(damaged)
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    assert np.array_equal(open_image(saved(SMOOTH, kind, exif=exif.tobytes())), open_image(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "HEIF", "AVIF"])
def test_display_p3_becomes_srgb(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {} if kind in ("PNG", "TIFF") else {"quality": 97}
    image = open_image(saved(SMOOTH, kind, icc_profile=P3, **options))
    error = np.abs(image - from_p3(SMOOTH))
    assert error.max() <= 2 if kind in ("PNG", "TIFF", "WEBP") else error.mean() < 3
    assert np.abs(SMOOTH - from_p3(SMOOTH)).mean() > 4, "the profile says something"


def test_from_pil_converts_profiles_as_well() -> None:
    with Image.open(io.BytesIO(saved(SMOOTH, icc_profile=P3))) as image:
        assert np.array_equal(from_pil(image), open_image(saved(SMOOTH, icc_profile=P3)))


def test_a_profile_of_srgb_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(open_image(saved(SMOOTH, icc_profile=srgb)), SMOOTH)


def test_grey_profiles() -> None:
    grey = SMOOTH[..., 0]
    light = (grey / 255) ** 1.8
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    image = open_image(saved(grey, icc_profile=profiles.grey(1.8)))
    assert np.abs(image - expected[..., None]).max() <= 2
    three = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(open_image(saved(grey, icc_profile=P3)), open_image(saved(three, icc_profile=P3)))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks(kind: str) -> None:
    inks = np.concatenate([SMOOTH, SMOOTH[..., :1] // 2], axis=2)
    data = saved(Image.fromarray(inks, "CMYK"), kind, **({"quality": 100} if kind == "JPEG" else {}))
    with pytest.warns(UserWarning, match="inks"):
        image = open_image(data)
    expected = (255 - SMOOTH.astype(float)) * (255 - inks[..., 3:]) / 255
    assert np.abs(image - expected).mean() < (2 if kind == "JPEG" else 1)
    black = Image.merge("CMYK", [Image.new("L", (64, 80), value) for value in (200, 100, 50, 128)])
    image = open_image(saved(black, kind, icc_profile=profiles.inks()))
    assert np.abs(image - 118.0).max() < 3, "lightness 50 is sRGB 119, and the other inks of this profile do nothing"


@pytest.mark.parametrize("profile", [b"no profile", P3[:200], P3[:300] + bytes(len(P3) - 300), profiles.inks()])
def test_a_profile_that_cannot_be_used_is_said(profile: bytes) -> None:
    with pytest.warns(UserWarning, match=UNREADABLE):
        assert np.array_equal(open_image(saved(SMOOTH, icc_profile=profile)), SMOOTH)
    with pytest.warns(UserWarning, match="inks"):
        open_image(saved(Image.new("CMYK", (9, 9)), "TIFF", icc_profile=P3))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_16_bits_of_grey_lose_the_lower_8(kind: str, white_is_zero: bool) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 8), dtype=np.uint16)
    tiff = {"tiffinfo": {262: int(not white_is_zero)}} if kind == "TIFF" else {}
    with pytest.warns(UserWarning, match="16 bits a channel, of which the upper 8 are used"):
        image = open_image(saved(values, kind, **tiff))
    shown = 255 - (values >> 8) if white_is_zero and tiff else values >> 8
    assert np.array_equal(image, np.repeat(shown[..., None], 3, axis=2))


def test_12_bits_of_grey_are_all_of_the_range() -> None:
    rows = np.array([[0x000, 0xFFF], [0x800, 0x7FF]])
    packed = b"".join(struct.pack(">I", int(a) << 12 | int(b))[1:] for a, b in rows)
    tags = {256: 2, 257: 2, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: len(packed)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    packed += bytes(-len(packed) % 2)
    data = b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + directory + bytes(4)
    with pytest.warns(UserWarning, match="12 bits"):
        assert open_image(data)[..., 0].tolist() == [[0, 255], [128, 127]]


def test_10_bits_of_phones_are_said(tmp_path: Path) -> None:
    deep = pillow_heif.from_bytes("RGB;16", (64, 80), (SMOOTH.astype("<u2") << 8).tobytes())
    deep.save(tmp_path / "a.heic", quality=95)
    with av.open(tmp_path / "a.avif", "w", format="avif") as container:
        stream: Any = container.add_stream("libsvtav1", rate=1, options={"crf": "10", "svtav1-params": "lp=1"})
        stream.width, stream.height, stream.pix_fmt = 64, 80, "yuv420p10le"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(SMOOTH, format="rgb24")))
        container.mux(stream.encode())
    for name in ("a.heic", "a.avif"):
        with pytest.warns(UserWarning, match="10 bits a channel"):
            assert np.abs(open_image(tmp_path / name) - SMOOTH.astype(int)).mean() < 3


def test_wide_colours_without_a_profile_are_said() -> None:
    data = saved(SMOOTH, "AVIF", quality=95)
    start = data.index(b"colrnclx") + 8
    with pytest.warns(UserWarning, match="wide or HDR"):
        open_image(data[:start] + struct.pack(">H", 12) + data[start + 2 :])


def test_ordinary_photographs_are_taken_without_a_word() -> None:
    with warnings.catch_warnings(action="error"):
        for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "HEIF", "AVIF"):
            open_image(saved(SMOOTH, kind))


def test_remarks_come_from_threads_too() -> None:
    """Several threads read photographs at once: none switches another's warnings off, nor the caller's."""
    deep = saved(np.full((9, 9), 60000, np.uint16))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(open_image, [deep] * 64))
        warnings.warn("still heard", stacklevel=1)
    assert len([one for one in caught if "16 bits" in str(one.message)]) == 64
    assert "still heard" in str(caught[-1].message)


def test_a_truncated_file_that_was_opened_elsewhere() -> None:
    whole = saved(SMOOTH, "JPEG")
    with pytest.raises(InvalidImageError, match="damaged"):
        from_pil(Image.open(io.BytesIO(whole[:-100])))
