"""The encrypted image: an array, a file, and the photograph again for who holds the key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ciphers.images import noise
from veilseg.catalog import CATALOG
from veilseg.ciphers import EncryptedImage, cipher
from veilseg.errors import InvalidImageError, InvalidKeyError, UsageError, VeilsegError
from veilseg.header import Header
from veilseg.keys import Key
from veilseg.spec import CipherSpec

KEY = Key(bytes(range(32)))
WITH_KEY = [name for name, row in CATALOG.items() if row.key != "none"]


@pytest.mark.parametrize("name", WITH_KEY)
def test_wrong_and_missing_keys(name: str) -> None:
    encrypted = cipher(name, 4).encrypt(noise(2, 9, 9), KEY)
    with pytest.raises(InvalidKeyError, match="with its key"):
        encrypted.decrypt()
    with pytest.raises(InvalidKeyError, match="another key"):
        encrypted.decrypt(Key.generate())
    with pytest.raises(UsageError, match="parse"):
        encrypted.decrypt(str(KEY))  # type: ignore[arg-type]


def test_pixels_that_do_not_fit() -> None:
    eight = Header(spec=CipherSpec("mosaic", 16, 4), height=15, width=16)
    sixteen = Header(spec=CipherSpec("ffx", 16), height=15, width=16, key_fingerprint=KEY.fingerprint)
    pixels = noise(0, 16, 16)
    EncryptedImage(pixels, eight)
    EncryptedImage(pixels.astype(np.uint16), sixteen)
    for bad, header in ((pixels[:15], eight), (pixels[..., :1], eight), (pixels.astype(int), eight), (pixels, sixteen)):
        with pytest.raises(InvalidImageError, match="does not fit"):
            EncryptedImage(bad, header)


def test_arrays() -> None:
    encrypted = cipher("subblock-sort").encrypt(noise(5, 20, 20))
    assert np.asarray(encrypted) is encrypted.pixels
    assert np.array(encrypted) is not encrypted.pixels
    assert np.asarray(encrypted, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(encrypted, np.float32, copy=False)
    assert repr(encrypted) == "<EncryptedImage subblock-sort, block 12, sub-block 12, 20 x 20 pixels>"


def test_files(tmp_path: Path) -> None:
    encrypted = cipher("subblock-sort").encrypt(noise(5, 20, 20))
    with pytest.raises(UsageError, match="another name") as caught:
        encrypted.save(tmp_path / "encrypted.jpg")
    assert caught.value.hint == "name it encrypted.png"
    encrypted.save("/dev/null")
    encrypted.save(tmp_path / "encrypted.png")
    with pytest.raises(VeilsegError, match=r"exists.*overwrite=True"):
        encrypted.save(tmp_path / "encrypted.png")
    encrypted.save(tmp_path / "encrypted.png", overwrite=True)
    assert (EncryptedImage.open(tmp_path / "encrypted.png").pixels == encrypted.pixels).all()
    with (tmp_path / "encrypted.png").open("rb") as file:
        assert EncryptedImage.open(file).header == encrypted.header


@pytest.mark.parametrize("name", WITH_KEY)
def test_no_key_in_the_file_or_the_image(name: str) -> None:
    encrypted = cipher(name).encrypt(noise(6, 16, 16), KEY)
    data = encrypted.to_bytes()
    assert bytes(range(32)) not in data
    assert str(KEY)[14:40].encode() not in data
    assert not hasattr(encrypted, "__dict__")
    assert set(encrypted.__slots__) == {"header", "pixels"}
