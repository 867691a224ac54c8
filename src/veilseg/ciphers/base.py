"""What every cipher is, and what all of them do around their own arithmetic: conversion, padding, header, refusals."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilseg import catalog
from veilseg.catalog import DEFAULT_LONGER_SIDE, CipherFacts, KeyUse
from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.grid import Pixels
from veilseg.ciphers.image import EncryptedImage
from veilseg.ciphers.plain import as_pixels, pad
from veilseg.errors import InvalidImageError, UsageError
from veilseg.header import Header
from veilseg.keys import Key
from veilseg.scale import reduce_photograph
from veilseg.spec import CipherSpec

if TYPE_CHECKING:
    from torch import Tensor

#: Plain uint8 [N, 3, H, W], sides multiples of the block, and a seed for each image, to what a network reads.
InputTransform = Callable[["Tensor", Sequence[int]], "Tensor"]


class Cipher(ABC):
    """One cipher with its parameters; made by `veilseg.cipher(name, ...)`. Holds no key and no state.

    A subclass brings all that differs: `encrypt_pixels`, and where they exist `decrypt_pixels`, the `affine` map of a
    key, the canonical or reduced form (`reduce` and `reduce_tensor`), what training sees (`input_transform`).

    Attributes:
        name: as in the catalogue.
        spec: the cipher's name and public parameters.
    """

    name: ClassVar[str]

    def __init__(self, spec: CipherSpec) -> None:
        self.spec = spec

    @property
    def facts(self) -> CipherFacts:
        """The cipher's row in the catalogue."""
        return catalog.facts(self.name)

    @property
    def key_use(self) -> KeyUse:
        """Whether encryption takes a key: "none", "optional" or "required"."""
        return self.facts.key

    @property
    def reduces(self) -> bool:
        """Whether there is a canonical or reduced form, which networks read in place of the stored pixels."""
        return type(self).reduce is not Cipher.reduce

    def encrypt(
        self, image: object, key: Key | None = None, *, longer_side: int = DEFAULT_LONGER_SIDE
    ) -> EncryptedImage:
        """Encrypt a picture, reduced to the working size where it is larger.

        Args:
            image: uint8 [H, W, 3], grey [H, W] or [H, W, 1] (as three equal channels), opaque RGBA, or a PIL image.
                Sides that are not multiples of the block are padded by reflection at the bottom and right; the header
                keeps the true size.
            key: where the cipher takes one.
            longer_side: the working size in pixels (`veilseg.scale.reduce_photograph`); 0 keeps every size, and with
                it what can be read in a large photograph.

        Raises:
            InvalidImageError: for every other image.
            UsageError: if a needed key is missing, or a key is given to a cipher that has none.
        """
        if key is None and self.key_use == "required":
            raise UsageError(f"{self.name} needs a key", "make one with veilseg.Key.generate() or `veilseg keygen`")
        if key is not None and self.key_use == "none":
            raise UsageError(f"{self.name} has no key", "leave the key out, or choose another cipher")
        if key is not None and not isinstance(key, Key):
            raise UsageError("the key is not a veilseg.Key", "read the text form with veilseg.Key.parse")
        plain = reduce_photograph(as_pixels(image), longer_side)
        # The nonce gives every image its own subkey.
        nonce = os.urandom(16) if key is not None and self.key_use == "optional" else None
        header = Header(
            spec=self.spec,
            height=plain.shape[0],
            width=plain.shape[1],
            nonce=None if nonce is None else nonce.hex(),
            key_fingerprint=None if key is None else key.fingerprint,
        )
        return EncryptedImage(self.encrypt_pixels(pad(plain, self.spec.block), key, nonce), header)

    @abstractmethod
    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Encrypt uint8 [H, W, 3] with sides that are multiples of the block; the nonce belongs to an optional key."""

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """The way back from `encrypt_pixels`, for ciphers with a key."""
        raise InvalidImageError(f"{self.name} has no way back: no key exists", "keep the original")

    def affine(self, key: Key) -> AffineMap:
        """The affine map of a block's values under `key`. Raises UsageError where no model can be encrypted for it."""
        if self.facts.family != "model key":
            raise UsageError(
                f"the cipher {self.name!r} has no matrix that a model could be encrypted with",
                f"{' and '.join(catalog.of_family('model key'))} have one",
            )
        return self._affine(key)

    def _affine(self, key: Key) -> AffineMap:
        raise NotImplementedError

    def block_order(self, key: Key) -> NDArray[np.int64]:
        """The order of a block's values under `key`, int64 [L], b_hat = b[order]: of the mechanism "permutation"."""
        raise UsageError(f"{self.name} does not move the values of a block all alike")

    def reduce(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """What a model for this cipher reads of stored pixels [H, W, 3]: the canonical or reduced form, idempotent."""
        return pixels

    def reduce_tensor(self, images: Tensor) -> Tensor:
        """`reduce` for uint8 tensors [N, 3, H, W], equal to the bit."""
        return images

    def input_transform(self, key: Key | None) -> InputTransform:
        """What a network in training sees of plain images: torch operations on whole batches, on any device.

        Raises UsageError where networks are not trained on such images.
        """
        if self.facts.training_input is None:
            raise UsageError(f"training on {self.name} images is not offered", "train a plain model and encrypt it")
        return self._input_transform(key)

    def _input_transform(self, key: Key | None) -> InputTransform:
        return self._reduced

    def _reduced(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
        if images.device.type != "cpu":
            return self.reduce_tensor(images)
        import torch

        arrays = images.permute(0, 2, 3, 1).contiguous().numpy()  # the compiled kernels are several times as fast
        return torch.from_numpy(np.stack([self.reduce(image) for image in arrays])).permute(0, 3, 1, 2)

    def stored_maximum(self, key: Key) -> float | None:
        """The greatest stored value that networks are to take for 1; None: whatever they take for it by themselves."""
        return None

    def __repr__(self) -> str:
        sub_block = "" if self.spec.sub_block is None else f", sub_block={self.spec.sub_block}"
        return f"cipher({self.name!r}, block={self.spec.block}{sub_block})"


def require(key: Key | None) -> Key:
    """The key itself, for ciphers that `Cipher.encrypt` never calls without one."""
    if key is None:
        raise UsageError("this cipher needs a key")
    return key
