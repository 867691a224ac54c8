"""The encrypted image, and what every cipher does around its own arithmetic: conversion, padding, header, refusals."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any, BinaryIO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from veilseg import container
from veilseg.ciphers.grid import Pixels, check_block, check_options, check_sub_block
from veilseg.ciphers.pixels import as_pixels, pad
from veilseg.errors import InvalidImage, InvalidKey, UsageError
from veilseg.files import read_limited, refuse_other_than_png, write_atomic
from veilseg.keys import Key
from veilseg.parameters import CHANNELS, DEFAULT_SUB_BLOCK, SHUFFLES

Keyed = Literal["no", "optional", "required"]


class Cipher(ABC):
    """One cipher with its parameters; made by `veilseg.cipher(name, ...)`. Holds no key and no state.

    name; block and sub_block in pixels (sub_block None where there is none); options: {"channels", "shuffle"} of the
    sub-block ciphers, else {}; keyed: "no", "optional" or "required".
    """

    name: ClassVar[str]
    keyed: ClassVar[Keyed]
    has_sub_blocks: ClassVar[bool] = False
    has_options: ClassVar[bool] = False

    def __init__(self, block: int, sub_block: int | None = None, **options: str) -> None:
        check_block(block)
        self.block = int(block)
        self.sub_block: int | None = None
        self.options: dict[str, Any] = {}
        if self.has_sub_blocks:
            chosen = min(DEFAULT_SUB_BLOCK, self.block) if sub_block is None else sub_block
            check_sub_block(self.block, chosen)
            if chosen == 1:
                raise UsageError(
                    f"{self.name} with sub-blocks of one pixel would send the photograph itself",
                    "4, 8 and 16 are usual; below 4 little is hidden",
                )
            self.sub_block = int(chosen)
        elif sub_block is not None:
            raise UsageError(f"{self.name} has no sub-blocks", "leave the sub-block size out")
        if self.has_options:
            self.options = {"channels": CHANNELS[0], "shuffle": SHUFFLES[0]}
        if unknown := sorted(options.keys() - self.options.keys()):
            known = ", ".join(["block", *(["sub_block"] if self.has_sub_blocks else []), *self.options])
            raise UsageError(f"{self.name} has no option {unknown[0]!r}", f"its options: {known}")
        self.options.update(options)
        if self.has_options:
            check_options(**self.options)

    @property
    def params(self) -> dict[str, Any]:
        """The public parameters as the header has them: cipher, block, and where they exist sub_block and options."""
        given = {"cipher": self.name, "block": self.block, "sub_block": self.sub_block, **self.options}
        return {name: value for name, value in given.items() if value is not None}

    def encrypt(self, image: object, key: Key | None = None) -> EncryptedImage:
        """Encrypt uint8 [H, W, 3], grey [H, W] or [H, W, 1] (as three equal channels), opaque RGBA, or a PIL image.

        Sides that are not multiples of the block are padded by reflection at the bottom and right; the header keeps
        the true size. Raises InvalidImage for every other image, UsageError if a needed key is missing or a key is
        given to a cipher that has none.
        """
        if key is None and self.keyed == "required":
            raise UsageError(f"{self.name} needs a key", "make one with veilseg.Key.generate() or `veilseg keygen`")
        if key is not None and self.keyed == "no":
            raise UsageError(f"{self.name} has no key", "leave the key out, or choose another cipher")
        if key is not None and not isinstance(key, Key):
            raise UsageError("the key is not a veilseg.Key", "read the text form with veilseg.Key.parse")
        plain = as_pixels(image)
        height, width = plain.shape[:2]
        # The nonce gives every image its own subkey. It is drawn before the header, which checks the size, is made.
        nonce = os.urandom(16) if key is not None and self.keyed == "optional" else None
        header = container.Header(
            height=height,
            width=width,
            nonce=None if nonce is None else nonce.hex(),
            key_fingerprint=None if key is None else key.fingerprint,
            **self.params,
        )
        return EncryptedImage(self.encrypt_pixels(pad(plain, self.block), key, nonce), header)

    @abstractmethod
    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Encrypt uint8 [H, W, 3] with sides that are multiples of the block; the nonce belongs to an optional key."""

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """The way back from `encrypt_pixels`, for ciphers with a key."""
        raise InvalidImage(f"{self.name} has no way back: no key exists", "keep the original")

    def __repr__(self) -> str:
        arguments = [f"{name}={value!r}" for name, value in self.params.items() if name != "cipher"]
        return f"cipher({', '.join([repr(self.name), *arguments])})"


class EncryptedImage:
    """Pixels [H', W', 3] (uint8; uint16 for patch-rotation) at the padded size, and the public header.

    `np.asarray(encrypted)` gives the pixels. It never holds a key.
    """

    __slots__ = ("header", "pixels")

    def __init__(self, pixels: NDArray[Any], header: container.Header) -> None:
        if pixels.dtype != header.dtype or pixels.shape != (*header.padded_size, 3):
            found, wanted = [*pixels.shape], [*header.padded_size, 3]
            hint = f"{header.cipher} stores {header.dtype} {wanted}"
            raise InvalidImage(f"{pixels.dtype} {found} does not fit the header", hint)
        self.pixels, self.header = pixels, header

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype is not None and np.dtype(dtype) != self.pixels.dtype:
            raise ValueError(f"{self.pixels.dtype} pixels cannot become {np.dtype(dtype)} without a copy")
        return np.array(self.pixels, dtype) if copy else np.asarray(self.pixels, dtype)

    def __repr__(self) -> str:
        header = self.header
        return f"<EncryptedImage {header.cipher}, {header.width} x {header.height} pixels, block {header.block}>"

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
        """Read a file's bytes. Raises InvalidImage for everything that `to_bytes` could not have written."""
        return cls(*container.decode(data))

    @classmethod
    def open(cls, source: str | os.PathLike[str] | BinaryIO) -> EncryptedImage:
        """Read a path or an open binary file. Raises VeilsegError if it cannot be read, InvalidImage like above."""
        return cls.from_bytes(read_limited(source, container.MAX_BYTES))

    def decrypt(self, key: Key | None = None) -> Pixels:
        """The plain image, uint8 [H, W, 3], to the bit and at its true size.

        Raises InvalidImage where no key exists, InvalidKey if the key is missing or not the one.
        """
        from veilseg.ciphers.registry import cipher_of  # ciphers import this module

        header = self.header
        cipher = cipher_of(header)
        if cipher.keyed == "no" or (cipher.keyed == "optional" and header.key_fingerprint is None):
            why = "its keys were thrown away" if cipher.keyed == "optional" else f"{header.cipher} has no key"
            raise InvalidImage(f"this image cannot be decrypted by anybody: {why}", "keep the original")
        if header.key_fingerprint is None or (cipher.keyed == "optional" and header.nonce is None):
            raise InvalidImage("the header lacks what decryption needs", "encrypt the image again")
        if key is None:
            hint = f"its fingerprint is {header.key_fingerprint}"
            raise InvalidKey("this image can only be decrypted with its key", hint)
        if not isinstance(key, Key):
            raise UsageError("the key is not a veilseg.Key", "read the text form with veilseg.Key.parse")
        if key.fingerprint != header.key_fingerprint:
            hint = f"the image asks for the key {header.key_fingerprint}, this one is {key.fingerprint}"
            raise InvalidKey("this image was encrypted with another key", hint)
        nonce = None if header.nonce is None else bytes.fromhex(header.nonce)
        plain = cipher.decrypt_pixels(self.pixels, key, nonce)
        return np.ascontiguousarray(plain[: header.height, : header.width])
