"""What the vectors have in common: keys, a nonce, pictures that every language can make, files built chunk by chunk."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from veilseg.header import Header
from veilseg.keys import Key
from veilseg.png import SIGNATURE, build_chunk
from veilseg.spec import CipherSpec

SECRETS = [bytes(32), bytes(range(32)), bytes(255 - i for i in range(32))]
KEYS = [Key(secret) for secret in SECRETS]
NONCE = bytes(range(16))

Chunk = tuple[bytes, bytes]
END: Chunk = (b"IEND", b"")


def b64(data: bytes) -> str:
    """Base64, as all bytes in the vectors are."""
    return base64.b64encode(data).decode()


def image(height: int, width: int, seed: int = 1) -> np.ndarray:
    """A picture uint8 [H, W, 3] that every language can make: a linear congruential generator, high byte."""
    state, values = seed, bytearray()
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, 3)


def few_values(height: int, width: int) -> np.ndarray:
    """A picture with many ties, so that the canonical order has to break them."""
    return image(height, width, 7) % 2 * 200


def stored_bytes(pixels: np.ndarray) -> bytes:
    """Stored values as the vectors and PNG have them: row by row, R, G, B, 16 bits big-endian."""
    return (pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels).tobytes()


def header_of(cipher: str, block: int, sub_block: int | None, height: int, width: int, keyed: bool) -> Header:
    """A header of the cipher, with KEYS[1] and NONCE where there is a key."""
    spec = CipherSpec(cipher, block, sub_block)
    return Header(
        spec=spec,
        height=height,
        width=width,
        nonce=NONCE.hex() if keyed and spec.facts.key == "optional" else None,
        key_fingerprint=KEYS[1].fingerprint if keyed else None,
    )


def filtered(pixels: np.ndarray, filter: int = 0) -> bytes:
    """The uncompressed pixels of a PNG, every row led by its filter; the values are not filtered."""
    return b"".join(bytes([filter]) + stored_bytes(row) for row in pixels)


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2, rest: tuple[int, int, int] = (0, 0, 0)) -> Chunk:
    """IHDR; `rest`: compression, filter method, interlacing."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *rest)


def note(text: str, keyword: bytes = b"veilseg") -> Chunk:
    """TEXt."""
    return b"tEXt", keyword + b"\0" + text.encode("latin-1")


def idat(raw: bytes) -> Chunk:
    """IDAT of the uncompressed pixels."""
    return b"IDAT", zlib.compress(raw, 0)


def chunks_of(pixels: np.ndarray, text: str) -> list[Chunk]:
    """An encrypted image without compression and filters: the one form that every implementation can make alike."""
    height, width = pixels.shape[:2]
    return [ihdr(width, height, pixels.itemsize * 8), note(text), idat(filtered(pixels)), END]


def file_of(chunks: list[Chunk]) -> bytes:
    """The chunks with lengths and checksums, behind the signature."""
    return SIGNATURE + b"".join(build_chunk(kind, body) for kind, body in chunks)


def listed(cases: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """[{"why", name}] in order."""
    return [{"why": why, name: b64(value) if isinstance(value, bytes) else value} for why, value in cases.items()]
