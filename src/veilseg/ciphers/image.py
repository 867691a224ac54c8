"""The encrypted image: stored pixels and a public header, as an array, a file, and back to the photograph."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from veilseg import container
from veilseg.cells import describe_cells
from veilseg.ciphers.grid import Pixels
from veilseg.ciphers.registry import implementation
from veilseg.errors import InvalidImageError, InvalidKeyError, UsageError
from veilseg.files import read_limited, refuse_other_than_png, write_atomic
from veilseg.header import Header
from veilseg.keys import Key


class EncryptedImage:
    """Pixels [H', W', 3] (uint8; uint16 for ciphers of 16 bits) at the padded size, and the public header.

    `np.asarray(encrypted)` gives the pixels. It never holds a key.
    """

    __slots__ = ("header", "pixels")

    def __init__(self, pixels: NDArray[Any], header: Header) -> None:
        if pixels.dtype != header.dtype or pixels.shape != (*header.padded_size, 3):
            found, wanted = [*pixels.shape], [*header.padded_size, 3]
            hint = f"{header.spec.cipher} stores {header.dtype} {wanted}"
            raise InvalidImageError(f"{pixels.dtype} {found} does not fit the header", hint)
        self.pixels, self.header = pixels, header

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype is not None and np.dtype(dtype) != self.pixels.dtype:
            raise ValueError(f"{self.pixels.dtype} pixels cannot become {np.dtype(dtype)} without a copy")
        return np.array(self.pixels, dtype) if copy else np.asarray(self.pixels, dtype)

    def __repr__(self) -> str:
        header = self.header
        return f"<EncryptedImage {header.spec}, {header.width} x {header.height} pixels>"

    @property
    def shows(self) -> str:
        """What anybody sees in it: the catalogue's words, and how many cells it has."""
        spec = self.header.spec
        cells = describe_cells(spec, self.header.height, self.header.width)
        return spec.visible if cells is None else f"{spec.visible} {cells[0].upper()}{cells[1:]}."

    def to_bytes(self) -> bytes:
        """The file: a PNG with the header inside (see `veilseg.container`)."""
        return container.encode(self.pixels, self.header)

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the file, named .png, whole or not at all.

        Raises UsageError for another suffix, VeilsegError if the file exists and `overwrite` is false.
        """
        refuse_other_than_png(path)
        write_atomic(path, self.to_bytes(), overwrite=overwrite)

    @classmethod
    def from_bytes(cls, data: bytes) -> EncryptedImage:
        """Read a file's bytes. Raises InvalidImageError for everything that `to_bytes` could not have written."""
        return cls(*container.decode(data))

    @classmethod
    def open(cls, source: str | os.PathLike[str] | BinaryIO) -> EncryptedImage:
        """Read a path or an open binary file. Raises VeilsegError if it cannot be read, else as `from_bytes` does."""
        return cls.from_bytes(read_limited(source, container.MAX_BYTES))

    def decrypt(self, key: Key | None = None) -> Pixels:
        """The plain image, uint8 [H, W, 3], to the bit and at its true size.

        Raises InvalidImageError where no key exists, InvalidKeyError if the key is missing or not the one.
        """
        header = self.header
        if header.key_fingerprint is None:
            optional = header.spec.facts.key == "optional"
            why = "its keys were thrown away" if optional else f"{header.spec.cipher} has no key"
            raise InvalidImageError(f"this image cannot be decrypted by anybody: {why}", "keep the original")
        if key is None:
            hint = f"its fingerprint is {header.key_fingerprint}"
            raise InvalidKeyError("this image can only be decrypted with its key", hint)
        if not isinstance(key, Key):
            raise UsageError("the key is not a veilseg.Key", "read the text form with veilseg.Key.parse")
        if key.fingerprint != header.key_fingerprint:
            hint = f"the image asks for the key {header.key_fingerprint}, this one is {key.fingerprint}"
            raise InvalidKeyError("this image was encrypted with another key", hint)
        cipher = implementation(header.spec.cipher)(header.spec)
        nonce = None if header.nonce is None else bytes.fromhex(header.nonce)
        plain: Pixels = cipher.decrypt_pixels(self.pixels, key, nonce)
        return np.ascontiguousarray(plain[: header.height, : header.width])
