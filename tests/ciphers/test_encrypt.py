"""The face of all ciphers: which images and keys are taken and refused, sizes, headers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import veilseg
from tests.ciphers.images import noise
from veilseg.catalog import CATALOG, DEFAULT_SUB_BLOCK
from veilseg.ciphers import EncryptedImage, cipher, cipher_for
from veilseg.ciphers.subblock.sort import canonicalize
from veilseg.errors import InvalidImageError, UsageError
from veilseg.keys import Key

KEY = Key(bytes(range(32)))


def key_of(name: str) -> Key | None:
    return None if CATALOG[name].key == "none" else KEY


@given(
    st.sampled_from(tuple(CATALOG)), st.integers(1, 23), st.integers(1, 23), st.sampled_from((2, 4, 8)), st.booleans()
)
def test_every_size_and_the_way_back(name: str, height: int, width: int, block: int, small: bool) -> None:
    image = noise(height * 100 + width, height, width)
    made = cipher(name, block, 2 if small and CATALOG[name].sub_blocks else None)
    encrypted = made.encrypt(image, key_of(name))
    padded = (-(-height // block) * block, -(-width // block) * block, 3)
    assert encrypted.pixels.shape == padded
    assert encrypted.pixels.dtype == f"uint{CATALOG[name].bits}"
    assert (encrypted.header.height, encrypted.header.width) == (height, width)
    again = EncryptedImage.from_bytes(encrypted.to_bytes())
    assert again.header == encrypted.header
    assert (again.pixels == encrypted.pixels).all()
    if key_of(name) is None:
        with pytest.raises(InvalidImageError, match="anybody"):
            again.decrypt(KEY)
        with pytest.raises(InvalidImageError, match="no way back"):
            made.decrypt_pixels(again.pixels, KEY, None)
    else:
        assert (again.decrypt(KEY) == image).all()
        assert again.decrypt(KEY).dtype == np.uint8


def test_padding_is_reflection() -> None:
    image = noise(0, 5, 6)
    encrypted = cipher("subblock-sort", 8, 2).encrypt(image)
    expected = np.pad(image, [(0, 3), (0, 2), (0, 0)], "reflect")
    assert (np.asarray(encrypted) == canonicalize(expected, 2)).all()
    single = cipher("subblock-sort", 8, 2).encrypt(np.full((1, 1, 3), 7, np.uint8))
    assert (np.asarray(single) == 7).all()


@pytest.mark.parametrize("name", CATALOG)
def test_headers_and_specs(name: str) -> None:
    made, keyed = veilseg.cipher(name), key_of(name) is not None
    header = made.encrypt(noise(0, 20, 30), key_of(name)).header
    assert header.spec == made.spec
    assert made.spec.block == (12 if made.facts.sub_blocks else 16)
    assert made.spec.sub_block == (DEFAULT_SUB_BLOCK if CATALOG[name].sub_blocks else None)
    assert header.key_fingerprint == (KEY.fingerprint if keyed else None)
    wanted = {field for field, presence in made.facts.header_fields.items() if presence == "always" or keyed}
    wanted -= {field for field, presence in made.facts.header_fields.items() if presence == "never"}
    assert header.to_dict().keys() - {"version", "cipher", "block", "height", "width"} == wanted
    assert eval(repr(made), {"cipher": cipher}).spec == made.spec
    assert type(cipher_for(made.spec)) is type(made)


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


@pytest.mark.parametrize("name", CATALOG)
def test_keys_where_none_belong_or_one_is_needed(name: str) -> None:
    made, image = cipher(name, 4), noise(0, 4, 4)
    assert made.key_use == CATALOG[name].key
    if made.key_use == "none":
        with pytest.raises(UsageError, match="has no key"):
            made.encrypt(image, KEY)
        return
    with pytest.raises(UsageError, match="parse"):
        made.encrypt(image, str(KEY))  # type: ignore[arg-type]
    if made.key_use == "required":
        with pytest.raises(UsageError, match="needs a key"):
            made.encrypt(image)


def test_grey_alpha_and_pillow() -> None:
    made = cipher("subblock-sort", 4, 2)
    grey = noise(3, 8, 8)[:, :, 0]
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    expected = canonicalize(colour, 2)
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
    assert (np.asarray(encrypted) == canonicalize(np.rot90(np.asarray(image), -1), 2)).all()
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
