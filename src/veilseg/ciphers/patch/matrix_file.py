"""A matrix as a file: what an encryption matrix that was given, and not drawn from a key, is kept in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.errors import InvalidKeyError, UsageError
from veilseg.files import read_limited, write_atomic

_MAGIC = b"veilseg-matrix-1"
_CHECK, _LARGEST_BLOCK = 32, 32
_MAX_FILE = len(_MAGIC) + 4 + 8 * (3 * _LARGEST_BLOCK**2) ** 2 + _CHECK
_HINT = "write_matrix makes one; a matrix that was drawn is drawn again from its key"


def write_matrix(matrix: EncryptionMatrix, path: str | Path, *, overwrite: bool = False) -> None:
    """Write `matrix` to a file that only its owner may read: spec/veil-3.md, section 5.1.

    Raises VeilsegError if the file exists and `overwrite` is false.
    """
    write_atomic(path, matrix_bytes(matrix), overwrite=overwrite, mode=0o600)


def read_matrix(path: str | Path) -> EncryptionMatrix:
    """The matrix in a file. Raises VeilsegError if it cannot be read, InvalidKeyError for any other content."""
    return parse_matrix(read_limited(path, _MAX_FILE))


def matrix_bytes(matrix: EncryptionMatrix) -> bytes:
    """The content of a matrix's file."""
    body = _MAGIC + matrix.block.to_bytes(4, "little") + matrix.matrix.astype("<f8").tobytes()
    return body + hashlib.sha256(body).digest()


def parse_matrix(data: bytes) -> EncryptionMatrix:
    """The way back from `matrix_bytes`. Raises InvalidKeyError for anything else."""
    if not data.startswith(_MAGIC):
        raise InvalidKeyError("this is no file of an encryption matrix", _HINT)
    body, check = data[:-_CHECK], data[-_CHECK:]
    start = len(_MAGIC) + 4
    side = int.from_bytes(data[len(_MAGIC) : start], "little")
    length = 3 * side * side
    if not 1 <= side <= _LARGEST_BLOCK or len(body) != start + 8 * length * length:
        raise InvalidKeyError("the file of this encryption matrix is cut off, or states another block", _HINT)
    if hashlib.sha256(body).digest() != check:
        raise InvalidKeyError("the file of this encryption matrix is damaged: its checksum differs", _HINT)
    try:
        return EncryptionMatrix(np.frombuffer(body[start:], "<f8").reshape(length, length))
    except UsageError as error:
        raise InvalidKeyError(f"this file holds no encryption matrix: {error.message}", _HINT) from error
