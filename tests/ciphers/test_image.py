"""The face of all ciphers: what is taken and refused, sizes, headers, and the way back."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import veilseg
from tests.ciphers.images import noise
from veilseg.ciphers import CIPHERS, DEFAULT_SUB_BLOCK, EncryptedImage, canonicalize, cipher
from veilseg.container import Header
from veilseg.errors import InvalidImageError, InvalidKeyError, UsageError, VeilsegError
from veilseg.keys import Key

KEY = Key(bytes(range(32)))
NAMES = tuple(CIPHERS)
WITH_KEY = tuple(name for name in NAMES if CIPHERS[name].keyed != "no")


def key_of(name: str) -> Key | None:
    return KEY if name in WITH_KEY else None


@settings(max_examples=40)
@given(st.sampled_from(NAMES), st.integers(1, 23), st.integers(1, 23), st.sampled_from((2, 4, 8)), st.booleans())
def test_every_size_and_the_way_back(name: str, height: int, width: int, block: int, small: bool) -> None:
    image = noise(height * 100 + width, height, width)
    made = cipher(name, block, 2 if small and CIPHERS[name].has_sub_blocks else None)
    encrypted = made.encrypt(image, key_of(name))
    padded = (-(-height // block) * block, -(-width // block) * block, 3)
    assert encrypted.pixels.shape == padded
    assert (encrypted.header.height, encrypted.header.width) == (height, width)
    again = EncryptedImage.from_bytes(encrypted.to_bytes())
    assert again.header == encrypted.header
    assert (again.pixels == encrypted.pixels).all()
    if name in WITH_KEY:
        assert (again.decrypt(KEY) == image).all()
        assert again.decrypt(KEY).dtype == np.uint8
    else:
        with pytest.raises(InvalidImageError, match="anybody"):
            again.decrypt(KEY)


def test_padding_is_reflection() -> None:
    image = noise(0, 5, 6)
    encrypted = cipher("subblock-sort", 8, 2).encrypt(image)
    expected = np.pad(image, [(0, 3), (0, 2), (0, 0)], "reflect")
    assert (np.asarray(encrypted) == canonicalize(expected, 8, 2)).all()
    single = cipher("subblock-sort", 8, 2).encrypt(np.full((1, 1, 3), 7, np.uint8))
    assert (np.asarray(single) == 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_header_and_params(name: str) -> None:
    made = veilseg.cipher(name)
    header = made.encrypt(noise(0, 20, 30), key_of(name)).header
    fields = {key: value for key, value in dataclasses.asdict(header).items() if value is not None}
    assert {key: fields[key] for key in made.params} == made.params
    assert fields.keys() - made.params.keys() <= {"version", "height", "width", "nonce", "key_fingerprint"}
    assert header.key_fingerprint == (KEY.fingerprint if name in WITH_KEY else None)
    assert (header.nonce is not None) == (name == "subblock-shuffle")
    assert made.block == 16
    assert made.sub_block == (DEFAULT_SUB_BLOCK if CIPHERS[name].has_sub_blocks else None)
    assert eval(repr(made), {"cipher": cipher}).params == made.params


def test_shuffle_with_and_without_key() -> None:
    image, made = noise(1, 32, 32), cipher("subblock-shuffle", sub_block=4)
    first, second = made.encrypt(image, KEY), made.encrypt(image, KEY)
    assert first.header.nonce != second.header.nonce
    assert (first.pixels != second.pixels).any()
    lost = [made.encrypt(image) for _ in range(20)]
    assert len({one.pixels.tobytes() for one in lost}) == 20
    assert lost[0].header.nonce is lost[0].header.key_fingerprint is None
    with pytest.raises(InvalidImageError, match="thrown away"):
        lost[0].decrypt(KEY)
    expected = cipher("subblock-sort", sub_block=4).encrypt(image)
    for one in (first, lost[0]):
        assert (canonicalize(one.pixels, 16, 4) == expected.pixels).all()


@pytest.mark.parametrize("name", WITH_KEY)
def test_wrong_and_missing_keys(name: str) -> None:
    encrypted = cipher(name, 4).encrypt(noise(2, 9, 9), KEY)
    with pytest.raises(InvalidKeyError, match="with its key"):
        encrypted.decrypt()
    with pytest.raises(InvalidKeyError, match="another key"):
        encrypted.decrypt(Key.generate())
    with pytest.raises(UsageError, match="parse"):
        encrypted.decrypt(str(KEY))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="parse"):
        cipher(name, 4).encrypt(noise(2, 9, 9), str(KEY))  # type: ignore[arg-type]


def test_keys_where_none_belong_or_one_is_needed() -> None:
    for name in NAMES:
        if CIPHERS[name].keyed == "no":
            with pytest.raises(UsageError, match="has no key"):
                cipher(name).encrypt(noise(0, 4, 4), KEY)
        if CIPHERS[name].keyed == "required":
            with pytest.raises(UsageError, match="needs a key"):
                cipher(name).encrypt(noise(0, 4, 4))


def test_grey_alpha_and_pillow() -> None:
    made = cipher("subblock-sort", 4, 2, channels="none")
    grey = noise(3, 8, 8)[:, :, 0]
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    expected = canonicalize(colour, 4, 2, "none")
    alpha = np.dstack([colour, np.full((8, 8), 255, np.uint8)])
    for image in (grey, grey[:, :, None], colour, alpha, Image.fromarray(grey), Image.fromarray(alpha)):
        assert (np.asarray(made.encrypt(image)) == expected).all()
    alpha[3, 3, 3] = 254
    for image in (alpha, Image.fromarray(alpha)):
        with pytest.raises(InvalidImageError, match="transparent"):
            made.encrypt(image)


def test_exif_orientation_is_applied() -> None:
    image = Image.fromarray(noise(4, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    encrypted = cipher("subblock-sort", 4, 2).encrypt(Image.open(file))
    assert (np.asarray(encrypted) == canonicalize(np.rot90(np.asarray(image), -1), 4, 2)).all()
    assert b"Exif" not in encrypted.to_bytes()


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((4, 4, 3)), "float64"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4, 3), np.uint16), "uint16"),
        (np.zeros((4, 4, 3), np.int8), "int8"),
        (np.zeros((4, 4, 3), bool), "bool"),
        (np.zeros((4, 4, 3), object), "object"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        (np.zeros((4, 0), np.uint8), "empty"),
        (np.zeros((0,), np.uint8), "shape"),
        (np.zeros((), np.uint8), "shape"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((4, 4, 5), np.uint8), "shape"),
        (np.zeros((3, 8, 8), np.uint8), "shape"),
        (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
        ([[1, 2], [3, 4]], "list"),
        ("photo.jpg", "str"),
        (b"photo", "bytes"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_image(image: object, word: str) -> None:
    with pytest.raises(InvalidImageError, match=word) as caught:
        cipher("subblock-sort").encrypt(image)
    assert caught.value.hint


def test_hints_help() -> None:
    with pytest.raises(InvalidImageError, match="transpose"):
        cipher("subblock-sort").encrypt(np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(InvalidImageError, match="255"):
        cipher("subblock-sort").encrypt(np.zeros((8, 8, 3)))
    encrypted = cipher("subblock-sort").encrypt(noise(0, 4, 4))
    with pytest.raises(InvalidImageError, match="already"):
        cipher("subblock-sort").encrypt(encrypted)


def test_names_and_options() -> None:
    with pytest.raises(UsageError, match="subblock-sort"):
        cipher("rot13")
    for arguments in ({"sub_block": 5}, {"block": 0}, {"channels": "x"}, {"shuffle": "x"}, {"blok": "16"}):
        with pytest.raises(UsageError):
            cipher("subblock-shuffle", **arguments)  # type: ignore[arg-type]
    for name in ("patch-permutation", "patch-rotation"):
        with pytest.raises(UsageError, match="sub-block"):
            cipher(name, sub_block=4)
        with pytest.raises(UsageError, match="option"):
            cipher(name, channels="none")
    with pytest.raises(UsageError, match="option"):
        cipher("mosaic", shuffle="shared")
    with pytest.raises(UsageError, match="at most 32"):
        cipher("patch-rotation", block=64)
    assert cipher("subblock-sort", block=4).sub_block == 4
    with pytest.raises(UsageError) as caught:
        cipher("subblock-shuffle", colour="none")
    assert caught.value.hint == "its options: block, sub_block, channels, shuffle"


@pytest.mark.parametrize("name", ["subblock-sort", "subblock-shuffle", "subblock-quartiles", "mosaic"])
def test_sub_blocks_of_one_pixel_are_refused(name: str) -> None:
    """They hide nothing but, at most, the order of the channels."""
    for arguments in ({"sub_block": 1}, {"block": 1}):
        with pytest.raises(UsageError, match="photograph itself") as caught:
            cipher(name, **arguments)
        assert "4, 8 and 16" in (caught.value.hint or "")
    assert cipher(name, sub_block=2).sub_block == 2


def test_headers_that_no_cipher_writes() -> None:
    pixels = noise(0, 16, 16)
    bare = {"block": 16, "height": 16, "width": 16, "nonce": "00" * 16, "key_fingerprint": KEY.fingerprint}
    complete = {"cipher": "subblock-shuffle", "sub_block": 4, "channels": "none", "shuffle": "shared"}
    for change in (
        {"cipher": "rot13", "sub_block": None, "channels": None, "shuffle": None},
        {"sub_block": None},
        {"channels": None},
        {"nonce": None},
        {"cipher": "mosaic"},
        {"cipher": "patch-permutation"},
        {"sub_block": 1},
    ):
        header = Header(**{**bare, **complete, **change})
        body = np.resize(pixels, (*header.padded_size, 3))
        with pytest.raises(InvalidImageError):
            EncryptedImage(body, header).decrypt(KEY)
    with pytest.raises(InvalidImageError, match="does not fit"):
        EncryptedImage(pixels[:8], Header(**{**bare, **complete}))


def test_arrays_and_files(tmp_path: Path) -> None:
    encrypted = cipher("subblock-sort").encrypt(noise(5, 20, 20))
    assert np.asarray(encrypted) is encrypted.pixels
    assert np.array(encrypted) is not encrypted.pixels
    assert np.asarray(encrypted, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(encrypted, np.float32, copy=False)
    assert "20 x 20" in repr(encrypted)
    with pytest.raises(UsageError, match="another name") as caught:
        encrypted.save(tmp_path / "veiled.jpg")
    assert caught.value.hint == "name it veiled.png"
    encrypted.save("/dev/null")
    encrypted.save(tmp_path / "veiled.png")
    with pytest.raises(VeilsegError, match=r"exists.*overwrite=True"):
        encrypted.save(tmp_path / "veiled.png")
    encrypted.save(tmp_path / "veiled.png", overwrite=True)
    assert (EncryptedImage.open(tmp_path / "veiled.png").pixels == encrypted.pixels).all()
    with (tmp_path / "veiled.png").open("rb") as file:
        assert EncryptedImage.open(file).header == encrypted.header


def test_no_key_in_the_file_or_the_image() -> None:
    for name in WITH_KEY:
        encrypted = cipher(name).encrypt(noise(6, 16, 16), KEY)
        data = encrypted.to_bytes()
        assert bytes(range(32)) not in data
        assert str(KEY)[14:40].encode() not in data
        assert not hasattr(encrypted, "__dict__")
        assert set(encrypted.__slots__) == {"header", "pixels"}
