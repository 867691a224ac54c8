"""Ciphers by name."""

from __future__ import annotations

from typing import Literal

from veilseg import catalog
from veilseg.ciphers.base import Cipher
from veilseg.ciphers.registry import implementation
from veilseg.errors import UsageError
from veilseg.inputspec import PLAIN, InputSpec
from veilseg.spec import CipherSpec, make_spec

#: Stands for a cipher where images are not encrypted.
Plain = Literal["plain"]


def cipher(name: str, block: int | None = None, sub_block: int | None = None) -> Cipher:
    """The cipher `name` for blocks and sub-blocks of the given sides in pixels.

    `veilseg.catalog` describes them all. Sub-blocks have 12 pixels unless another side is given, and the block is 16
    pixels or, where the sub-block does not divide those, the sub-block itself. The smaller the sub-block, the finer the
    mosaic that everybody sees: 2 and 3 pixels hide little, 1 is refused. Raises UsageError for unknown names and for
    sizes that the cipher does not have.

    Examples:
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


def own_cipher(
    spec: InputSpec, name: str | None = None, block: int | None = None, sub_block: int | None = None
) -> Cipher | Plain:
    """The cipher whose images a model with this input takes; "plain" (no encryption) for plain models.

    `name` asks for another cipher; its block and sub_block are those given, else the model's where the cipher has them.
    Raises UsageError for unknown names and sizes that do not fit.
    """
    name = name or spec.name
    if name == PLAIN:
        return "plain"
    own = spec.encryption
    if own is not None:
        block = block or own.block
        sub_block = sub_block or (own.sub_block if catalog.facts(name).sub_blocks else None)
    return cipher(name, block, sub_block)


def client_cipher(spec: InputSpec) -> Cipher | Plain:
    """The cipher with independent keys whose images a model with this input takes, where there is one; else its own."""
    rows = [] if spec.encryption is None else [catalog.facts(name) for name in spec.encryption.facts.accepts]
    return own_cipher(spec, next((row.name for row in rows if row.key == "optional"), None))
