"""SHF, NP and FFX [AprilPyone 2020], and NIST's vectors for what FFX is made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ciphers.images import noise
from veilseg.catalog import of_family
from veilseg.ciphers import EncryptedImage, cipher
from veilseg.ciphers.conventional import ff1
from veilseg.ciphers.conventional.ffx import Ffx
from veilseg.ciphers.grid import cut_blocks
from veilseg.errors import InvalidImageError, InvalidKeyError, UsageError
from veilseg.keys import Key
from veilseg.spec import make_spec

NAMES = of_family("conventional")
KEY = Key(bytes(range(32)))
FFX = Ffx(make_spec("ffx"))
keys = st.binary(min_size=32, max_size=32).map(Key)
#: NIST SP 800-38G, FF1 samples: key, radix, tweak, plain, encrypted.
AES256 = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94"
AES192 = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F"
TWEAK, LONG_TWEAK = "39383736353433323130", "3737373770717273373737"
VECTORS = [
    (AES256[:32], 10, "", "0123456789", "2433477484"),
    (AES256[:32], 10, TWEAK, "0123456789", "6124200773"),
    (AES256[:32], 36, LONG_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (AES192, 10, "", "0123456789", "2830668132"),
    (AES192, 10, TWEAK, "0123456789", "2496655549"),
    (AES192, 36, LONG_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (AES256, 10, "", "0123456789", "6657667009"),
    (AES256, 10, TWEAK, "0123456789", "1001623463"),
    (AES256, 36, LONG_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("key", "radix", "tweak", "plain", "encrypted"), VECTORS)
def test_ff1_is_nists(key: str, radix: int, tweak: str, plain: str, encrypted: str) -> None:
    secret, extra = bytes.fromhex(key), bytes.fromhex(tweak)
    digits, wanted = ([int(letter, 36) for letter in text] for text in (plain, encrypted))
    assert ff1.encrypt(secret, digits, radix, extra) == wanted


@given(st.binary(min_size=32, max_size=32))
def test_ff1_permutes_the_numbers(key: bytes) -> None:
    numbers = [[a, b] for a in range(10) for b in range(10)]
    assert sorted(ff1.encrypt(key, number) for number in numbers) == numbers


@settings(max_examples=30, deadline=None)
@given(keys, st.sampled_from(NAMES), st.sampled_from((1, 2, 4, 5, 16)), st.integers(1, 40), st.integers(1, 40))
def test_every_image_comes_back(key: Key, name: str, block: int, height: int, width: int) -> None:
    image = noise(height * width, height, width)
    encrypted = EncryptedImage.from_bytes(cipher(name, block).encrypt(image, key).to_bytes())
    assert encrypted.header.key_fingerprint == key.fingerprint
    assert np.array_equal(encrypted.decrypt(key), image)


@pytest.mark.parametrize("name", NAMES)
def test_one_key_for_all_blocks(name: str) -> None:
    """Equal blocks stay equal, in one image and in the next; another key or block size makes something else."""
    tile = noise(1, 4, 4)
    image = np.tile(tile, (3, 5, 1))
    made = cipher(name, 4)
    first = cut_blocks(np.asarray(made.encrypt(image, KEY)), 4)
    assert (first == first[0]).all()
    assert np.array_equal(np.asarray(made.encrypt(tile, KEY)), np.asarray(made.encrypt(image, KEY))[:4, :4])
    assert not np.array_equal(first, cut_blocks(np.asarray(made.encrypt(image, Key(bytes(32)))), 4))
    with pytest.raises(UsageError, match="needs a key"):
        made.encrypt(image)
    with pytest.raises(InvalidKeyError):
        made.encrypt(image, KEY).decrypt(Key(bytes(32)))


@given(keys, st.sampled_from((2, 4, 16)))
def test_what_each_does(key: Key, block: int) -> None:
    image = noise(3, block, 2 * block)
    plain = cut_blocks(image, block).astype(int)
    shf, negative, ffx = (cut_blocks(np.asarray(cipher(n, block).encrypt(image, key)), block) for n in NAMES)
    assert (np.sort(shf, axis=1) == np.sort(plain, axis=1)).all()
    for stored, changed in (
        (negative.astype(int), 255 - plain),
        (ffx.astype(int), FFX.table(key)[plain].astype(int)),
    ):
        assert ((stored == plain) | (stored == changed)).all()
        moved = (stored != plain).any(axis=0)
        half = plain.shape[1] // 2
        assert half - 3 <= moved.sum() <= half  # a chosen value may by chance become itself, in both blocks
        assert (stored[:, moved] == changed[:, moved]).all()
    assert ffx.dtype == np.uint16


def test_the_table_of_ffx() -> None:
    table = FFX.table(KEY)
    assert len(set(table.tolist())) == 256
    assert table.max() < 1000
    assert not np.array_equal(table, FFX.table(Key(bytes(32))))
    assert FFX.stored_maximum(KEY) == table.max()
    assert cipher("np").stored_maximum(KEY) is None
    digits = ff1.encrypt(KEY.derive("ffx"), [2, 5, 5])
    assert table[255] == 100 * digits[0] + 10 * digits[1] + digits[2]


def test_ffx_refuses_values_that_it_does_not_make() -> None:
    encrypted = cipher("ffx", 4).encrypt(noise(5, 8, 8), KEY)
    encrypted.pixels[0, 0] = 1000
    with pytest.raises(InvalidImageError, match="does not make"):
        encrypted.decrypt(KEY)
