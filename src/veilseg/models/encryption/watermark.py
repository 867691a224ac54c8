"""A mark in weights: the last bits of the first values of an encrypted stem spell the cipher and the key's fingerprint.

A change by one rounding step of a hundred values, which every copy of the weights carries, whoever saves it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg import catalog
from veilseg.inputspec import InputSpec
from veilseg.spec import CipherSpec

Words = NDArray[np.signedinteger]
_MAGIC = b"veil"
#: How many values carry it: for the magic, the cipher's code and the fingerprint of 8 bytes.
LENGTH = 8 * (len(_MAGIC) + 1 + 8)


def marked(words: Words, spec: InputSpec) -> Words:
    """`LENGTH` values, seen as whole numbers of the same width, with `spec` in their last bits."""
    assert spec.encryption is not None
    assert spec.key_fingerprint is not None
    code = catalog.of_family("model key").index(spec.encryption.cipher)
    data = _MAGIC + bytes([code]) + bytes.fromhex(spec.key_fingerprint)
    bits = np.unpackbits(np.frombuffer(data, np.uint8)).astype(words.dtype)
    spelt: Words = (words & -2) | bits
    return spelt


def read_mark(words: Words, block: int) -> InputSpec | None:
    """What `marked` put into `LENGTH` values of a stem for blocks of `block` pixels; None where nothing is."""
    data = np.packbits((words & 1).astype(np.uint8)).tobytes()
    ciphers = catalog.of_family("model key")
    if not data.startswith(_MAGIC) or data[len(_MAGIC)] >= len(ciphers):
        return None
    return InputSpec(CipherSpec(ciphers[data[len(_MAGIC)]], block), data[len(_MAGIC) + 1 :].hex())
