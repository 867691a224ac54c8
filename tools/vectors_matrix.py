"""The vectors of encryption matrices: values drawn from keys, files, and files that must be refused."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from vectors_parts import KEYS, b64, image

from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.ciphers.patch.matrix_file import matrix_bytes

_GIVEN = np.array([[2.0, 0.5, 0.0], [-1.0, 4.0, 0.25], [0.0, 0.125, -3.0]])


def matrix() -> dict[str, Any]:
    """Matrices drawn for blocks of one and two pixels, one given, and what it makes of an image."""
    given = EncryptionMatrix(_GIVEN)
    pixels = image(2, 3)
    good = matrix_bytes(given)

    def changed(values: np.ndarray) -> bytes:
        body = good[:20] + values.astype("<f8").tobytes()
        return body + hashlib.sha256(body).digest()

    invalid = {
        "an empty file": b"",
        "other magic": b"veilseg-matrix-2" + good[16:],
        "cut off": good[:-1],
        "one byte more": good + b"\0",
        "a damaged value": good[:30] + b"\1" + good[31:],
        "another block": good[:16] + (2).to_bytes(4, "little") + good[20:],
        "a value that is no number": changed(np.where(_GIVEN == 4, np.nan, _GIVEN)),
        "not invertible": changed(np.ones((3, 3))),
    }
    return {
        "drawn": [
            {"key": str(key), "block": block, "matrix": EncryptionMatrix.drawn(key, block).matrix.tolist()}
            for key, block in ((KEYS[1], 1), (KEYS[2], 2))
        ],
        "given": {
            "matrix": _GIVEN.tolist(),
            "file": b64(good),
            "fingerprint": given.fingerprint,
            "pixels": pixels.tolist(),
            "encrypted": given.encrypt(pixels).tolist(),
        },
        "invalid": [{"reason": reason, "file": b64(data)} for reason, data in invalid.items()],
    }
