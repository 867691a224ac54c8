"""What a network in training sees of plain images: the same images under the cipher that its input asks for."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from veilseg.ciphers import InputTransform, cipher_for
from veilseg.errors import UsageError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key


def input_transform(spec: InputSpec, key: Key | None = None) -> InputTransform:
    """Plain uint8 [N, 3, H, W], sides multiples of the block, to the pixels that a model with input `spec` reads.

    `key` is the one key of a model that has one. Raises UsageError without it, and for ciphers that networks are not
    trained on.
    """
    if spec.encryption is None:
        return _plain
    if spec.keyed and (key is None or key.fingerprint != spec.key_fingerprint):
        raise UsageError(f"this model reads images of the key {spec.key_fingerprint}", "give that key")
    return cipher_for(spec.encryption).input_transform(key)


def _plain(images: Tensor, seeds: Sequence[int]) -> Tensor:
    return images
