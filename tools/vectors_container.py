"""The vectors of encrypted images as files: what must be read, and what must be refused."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from vectors_parts import KEYS, NONCE, b64, image

from veilseg import png
from veilseg.container import KEYWORD, Header


def stored_png(
    pixels: np.ndarray, text: str, *, body: bytes | None = None, extra: bytes = b"", keyword: str = KEYWORD
) -> bytes:
    """An encrypted image without compression and filters: the one form that every implementation can make alike."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").view(np.uint8) if pixels.dtype == np.uint16 else pixels
    raw = b"".join(b"\0" + row.tobytes() for row in rows.reshape(height, -1))
    idat = zlib.compress(raw, 0) if body is None else body
    note = png.build_chunk(b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1"))
    return b"".join(
        (
            png.SIGNATURE,
            png._ihdr(width, height, pixels.itemsize * 8),
            extra,
            note,
            png.build_chunk(b"IDAT", idat),
            png.build_chunk(b"IEND", b""),
        )
    )


def container() -> dict[str, Any]:
    """Files that must be read, and files that must be refused, with the reason."""
    sort = Header(
        cipher="subblock-sort", block=8, sub_block=4, height=7, width=10, channels="sub-block", shuffle="channel"
    )
    fingerprint = KEYS[1].fingerprint
    locked = Header(cipher="patch-permutation", block=4, height=4, width=8, key_fingerprint=fingerprint)
    rotated = Header(cipher="patch-rotation", block=4, height=4, width=4, key_fingerprint=fingerprint)
    shuffled = Header(
        cipher="subblock-shuffle", block=8, sub_block=8, height=8, width=8, channels="none", shuffle="shared",
        nonce=NONCE.hex(), key_fingerprint=fingerprint,
    )  # fmt: skip
    headers = {"sorted": sort, "locked": locked, "rotated": rotated, "shuffled": shuffled}
    valid = []
    for name, header in headers.items():
        height, width = header.padded_size
        pixels = image(height, width)
        if header.dtype == np.uint16:
            pixels = pixels.astype(np.uint16) * 257
        kind = pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels
        file = stored_png(pixels, header.to_json())
        valid.append({"name": name, "header": header.to_json(), "file": b64(file), "stored": b64(kind.tobytes())})
    pixels, text = image(8, 16), sort.to_json()
    good = stored_png(pixels, text)
    raw = b"".join(b"\0" + row.tobytes() for row in pixels.reshape(8, -1))
    comment = png.build_chunk(b"tEXt", b"Comment\0taken at home")
    invalid = {
        "empty": b"",
        "not a PNG": b"\xff\xd8\xff\xe0" + bytes(20),
        "cut in the pixels": good[:200],
        "cut before the end": good[:-12],
        "a bad checksum": good[:-20] + bytes([good[-20] ^ 1]) + good[-19:],
        "data after the end": good + b"\0",
        "no header": stored_png(pixels, text, keyword="veilsug"),
        "a foreign chunk": stored_png(pixels, text, extra=comment),
        "a bad version": stored_png(pixels, text.replace('"version":2', '"version":1')),
        "a version that is true": stored_png(pixels, text.replace('"version":2', '"version":true')),
        "not JSON": stored_png(pixels, text[:-1]),
        "an unknown field": stored_png(pixels, text[:-1] + ',"note":"x"}'),
        "a repeated field": stored_png(pixels, text[:-1] + ',"height":7}'),
        "a missing field": stored_png(pixels, text.replace('"cipher":"subblock-sort",', "")),
        "a bad size": stored_png(pixels, text.replace('"width":10', '"width":17')),
        "a size of zero": stored_png(pixels, text.replace('"width":10', '"width":0')),
        "a size that is no whole number": stored_png(pixels, text.replace('"width":10', '"width":10.0')),
        "a sub-block that does not divide": stored_png(pixels, text.replace('"sub_block":4', '"sub_block":3')),
        "a fingerprint in capitals": stored_png(pixels, text[:-1] + ',"key_fingerprint":"ABCDEF0123456789"}'),
        "8 bits where 16 are due": stored_png(image(4, 4), rotated.to_json()),
        "pixels missing": stored_png(pixels, text, body=zlib.compress(raw[:-1], 0)),
        "pixels too many": stored_png(pixels, text, body=zlib.compress(raw + b"\0", 0)),
        "pixels that do not inflate": stored_png(pixels, text, body=b"\x78\x9c\xff\xff"),
        "data after the pixels": stored_png(pixels, text, body=zlib.compress(raw, 0) + b"\0"),
    }
    wrong = KEYS[2]
    return {
        "valid": valid,
        "invalid": [{"why": why, "file": b64(file)} for why, file in invalid.items()],
        "wrong_key": [
            {
                "why": "the fingerprint is another",
                "key": str(wrong),
                "fingerprint": wrong.fingerprint,
                "file": entry["file"],
            }
            for entry in valid
            if entry["name"] in ("locked", "shuffled")
        ],
    }
