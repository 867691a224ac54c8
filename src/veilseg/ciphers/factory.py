"""Ciphers by name."""

from __future__ import annotations

from veilseg import catalog
from veilseg.ciphers.base import Cipher
from veilseg.ciphers.registry import implementation
from veilseg.errors import UsageError
from veilseg.inputspec import PLAIN
from veilseg.spec import CipherSpec, make_spec


def cipher(name: str, block: int | None = None, sub_block: int | None = None) -> Cipher:
    """The cipher `name` for blocks and sub-blocks of the given sides in pixels (defaults: 16 and 4).

    `veilseg.catalog` describes them all. The smaller the sub-block, the finer the mosaic that everybody sees: 2 and 3
    pixels hide little, 1 is refused. Raises UsageError for unknown names and for sizes that the cipher does not have.

    Example:
        >>> import numpy as np
        >>> photo = np.zeros((20, 30, 3), np.uint8)
        >>> encrypted = cipher("subblock-sort", sub_block=8).encrypt(photo)
        >>> encrypted.pixels.shape, encrypted.header.width
        ((32, 32, 3), 30)
    """
    return cipher_for(make_spec(name, block, sub_block))


def canonical_cipher(made: Cipher) -> Cipher:
    """The cipher whose images are the canonical form of this one's: what is left when keys are forgotten; or itself."""
    name = made.facts.canonical
    return made if name is None else cipher_for(CipherSpec(name, made.spec.block, made.spec.sub_block))


def cipher_for(spec: CipherSpec) -> Cipher:
    """The cipher with these parameters."""
    made: Cipher = implementation(spec.cipher)(spec)
    return made


def cipher_of_input(input: str, block: int | None = None, sub_block: int | None = None) -> Cipher | None:
    """The cipher whose images a recipe calls `input`; None for "plain". Raises UsageError for what does not exist."""
    known = catalog.training_inputs()
    if input == PLAIN:
        return None
    if input not in known:
        raise UsageError(
            f"unknown input {input!r}", f"one of {', '.join([PLAIN, *known])}; for keyed ciphers use encrypt_model"
        )
    name = known[input]
    return cipher(name, block, sub_block if catalog.facts(name).sub_blocks else None)
