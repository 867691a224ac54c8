"""A mark in weights: the last bits of the first values of an encrypted stem spell the cipher and the key's fingerprint.

A change by one rounding step of a hundred values, which every copy of the weights carries, whoever saves it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg import catalog
from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.spec import CipherSpec

Words = NDArray[np.signedinteger]
_MAGIC = b"veil"
#: Stands for the code of a cipher where a matrix was drawn or given.
MATRIX = 255
#: How many values carry it: for the magic, the cipher's code and the fingerprint of 8 bytes.
LENGTH = 8 * (len(_MAGIC) + 1 + 8)


def marked(words: Words, spec: InputSpec) -> Words:
    """`LENGTH` values, seen as whole numbers of the same width, with `spec` in their last bits."""
    assert spec.encryption is not None
    assert spec.key_fingerprint is not None
    return spell(words, catalog.of_family("model key").index(spec.encryption.cipher), spec.key_fingerprint)


def read_mark(words: Words, block: int) -> InputSpec | None:
    """What `marked` put into `LENGTH` values of a stem for blocks of `block` pixels; None where nothing is.

    Raises InvalidModelError for a model that was encrypted with a matrix of its own.
    """
    if (found := spelt(words)) is None:
        return None
    code, fingerprint = found
    ciphers = catalog.of_family("model key")
    if code == MATRIX:
        raise InvalidModelError(
            f"this model is encrypted already, with the matrix {fingerprint}", "decrypt_with_matrix takes it out"
        )
    return InputSpec(CipherSpec(ciphers[code], block), fingerprint) if code < len(ciphers) else None


def spell(words: Words, code: int, fingerprint: str) -> Words:
    """`LENGTH` values with a cipher's code and a fingerprint of 16 hex digits in their last bits."""
    data = _MAGIC + bytes([code]) + bytes.fromhex(fingerprint)
    bits = np.unpackbits(np.frombuffer(data, np.uint8)).astype(words.dtype)
    written: Words = (words & -2) | bits
    return written


def spelt(words: Words) -> tuple[int, str] | None:
    """The way back from `spell`; None where nothing is."""
    data = np.packbits((words & 1).astype(np.uint8)).tobytes()
    return (data[len(_MAGIC)], data[len(_MAGIC) + 1 :].hex()) if data.startswith(_MAGIC) else None
