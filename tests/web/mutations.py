"""Encrypted images, and what can be done to their files: every mutation gives whole chunks with the right checksums."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

import veilseg
from veilseg import png
from veilseg.catalog import CATALOG
from veilseg.keys import Key

Chunks = list[tuple[bytes, bytes]]

#: What a field of a header may be made: mostly what it must not be.
_VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 3, 4, 8, 13, 16, 64, 65, 10**8, 10**9, 10**400, 1.0, 8.0, 16.5, True, False, None),
    *("", "8", [], {}, "plain", "\u212a", "0" * 16, "A" * 16, "0" * 32, "g" * 32, *CATALOG),
)
_FIELDS = ("version", "cipher", "block", "sub_block", "height", "width", "nonce", "key_fingerprint", "__proto__", "")
_KINDS = (b"IHDR", b"tEXt", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"zTXt", b"acTL", b"tIME", b"prVt", b"id\x00t", b"id1t")


def samples() -> list[bytes]:
    """A small file of every cipher, and of the one with an optional key another with it."""
    rng = np.random.default_rng(0)
    key, files = Key(bytes(range(32))), []
    keys: dict[str, list[Key | None]] = {"none": [None], "optional": [None, key], "required": [key]}
    for facts in CATALOG.values():
        cipher = veilseg.cipher(facts.name, 8, 4 if facts.sub_blocks else None)
        photo = rng.integers(0, 256, (13, 21, 3), np.uint8)
        for given in keys[facts.key]:
            files.append(cipher.encrypt(photo, given).to_bytes())
    return files


def mutated(file: bytes, rng: random.Random) -> bytes:
    """The file after one to three mutations, now and then of its bytes as they are."""
    chunks = split(file)
    for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3))):
        chunks = rng.choice(_MUTATIONS)(chunks, rng)
    data = png.SIGNATURE + b"".join(png.build_chunk(kind, body) for kind, body in chunks)
    return _bytes(data, rng) if rng.random() < 0.1 else data


def split(file: bytes) -> Chunks:
    """The chunks of a PNG that is whole."""
    chunks, at = [], len(png.SIGNATURE)
    while at < len(file):
        (length,) = struct.unpack_from(">I", file, at)
        chunks.append((file[at + 4 : at + 8], file[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _bytes(data: bytes, rng: random.Random) -> bytes:
    at, other = rng.randrange(len(data)), bytes([rng.randrange(256)])
    return rng.choice((data[:at], data[:at] + other + data[at + 1 :], data + other, data + data, b"", data[1:]))


def _order(chunks: Chunks, rng: random.Random) -> Chunks:
    """A chunk dropped, doubled, moved, added, renamed, or divided."""
    at, to = rng.randrange(len(chunks) or 1), rng.randrange(len(chunks) + 1)
    here, rest = chunks[at : at + 1], chunks[:at] + chunks[at + 1 :]
    added = [(rng.choice(_KINDS), rng.randbytes(rng.choice((0, 0, 4, 13))))]
    renamed = [(rng.choice(_KINDS), body) for _, body in here]
    cut = rng.randrange(len(here[0][1]) + 1) if here else 0
    halves = [(kind, part) for kind, body in here for part in (body[:cut], body[cut:])]
    return rng.choice(
        (
            rest,
            chunks[:to] + here + chunks[to:],
            rest[:to] + here + rest[to:],
            chunks[:to] + added + chunks[to:],
            chunks[:at] + renamed + chunks[at + 1 :],
            chunks[:at] + halves + chunks[at + 1 :],
        )
    )


def _body(chunks: Chunks, rng: random.Random) -> Chunks:
    """The bytes of a chunk: one changed, removed or added."""

    def change(body: bytes) -> bytes:
        at, other = rng.randrange(len(body) + 1), rng.randbytes(1)
        return rng.choice((body[:at] + other + body[at + 1 :], body[:at] + body[at + 1 :], body + other, body[:at]))

    return _replace(chunks, rng.choice((b"IHDR", b"tEXt", b"IDAT", b"IEND")), change)


def _size(chunks: Chunks, rng: random.Random) -> Chunks:
    def change(body: bytes) -> bytes:
        if len(body) != 13:
            return body
        fields = list(struct.unpack(">IIBBBBB", body))
        at = rng.randrange(7)
        fields[at] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, fields[at] + 8, fields[at] ^ 1) + (2**31,) * (at < 2))
        return struct.pack(">IIBBBBB", *fields)

    return _replace(chunks, b"IHDR", change)


def _header(chunks: Chunks, rng: random.Random) -> Chunks:
    """The header's text: a field changed, removed or added, the order turned round, or other signs for the same."""

    def change(body: bytes) -> bytes:
        keyword, _, text = body.partition(b"\0")
        try:
            fields = dict(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return body
        name = rng.choice((*fields, *fields, *_FIELDS))
        without = {other: value for other, value in fields.items() if other != name}
        near = rng.choice(
            (
                {"height": rng.randint(8, 17), "width": rng.randint(16, 25)},
                {"cipher": rng.choice(list(CATALOG))},
                {"sub_block": rng.randint(1, 9)},
            )
        )
        other = {name: rng.choice(_VALUES)}
        values = rng.choice((without, {**fields, **near}, {**fields, **near}, {**fields, **other}, {**other, **fields}))
        written = json.dumps(values, separators=(",", ":"), ensure_ascii=rng.random() < 0.9)
        if rng.random() < 0.3:
            written = rng.choice(_SPELLINGS)(written)
        if rng.random() < 0.05:
            keyword = rng.choice((b"", b"Veilseg", b"veilseg ", b"veilsegs", b"Comment"))
        return keyword + b"\0" + written.encode("utf-8", "surrogatepass")

    return _replace(chunks, b"tEXt", change)


_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(":", ": ", 1),
    lambda text: f" {text}",
    lambda text: f"{text}\n",
    lambda text: f"{text}\0",
    lambda text: text + " " * 3000,
    lambda text: text.replace("s", "\\u0073", 1),
    lambda text: text.replace("8", "8.0", 1),
    lambda text: text.replace("8", "08", 1),
    lambda text: text.replace("8", "8e0", 1),
    lambda text: text.replace("8", "NaN", 1),
    lambda text: text.replace("8", "-0", 1),
    lambda text: text.replace('"', "'"),
    lambda text: f"{text[:-1]},{text[1:]}",
    lambda text: f"[{text}]",
    lambda text: "[" * 1500,
    lambda text: text.upper(),
    lambda text: text[:-1],
)


def _pixels(chunks: Chunks, rng: random.Random) -> Chunks:
    """The rows: values, filters or their number changed, and compressed in another way, right or wrong."""

    def change(body: bytes) -> bytes:
        try:
            rows = bytearray(zlib.decompress(body))
        except zlib.error:
            return body
        width = len(rows) // 16 or 1
        for at in rng.sample(range(0, len(rows), width), rng.choice((0, 0, 1, 3)) if len(rows) > 3 * width else 0):
            rows[at] = rng.choice((0, 0, 1, 2, 3, 4, 5, 255))
        if rows and rng.random() < 0.5:
            rows[rng.randrange(len(rows))] ^= rng.choice((1, 128))
        if rng.random() < 0.2:
            rows = rng.choice((rows[:-1], rows + b"\0", rows[:-width], rows * 2, rows[:0]))
        whole = zlib.compress(rows, rng.choice((0, 1, 9)))
        if rng.random() < 0.6:
            return whole
        raw, zipped = (zlib.compressobj(wbits=bits) for bits in (-15, 31))
        known = zlib.compressobj(zdict=b"veilseg")
        small = zlib.compressobj(wbits=9)
        others = [maker.compress(rows) + maker.flush() for maker in (raw, zipped, known, small)]
        return rng.choice(
            (whole + b"\0", whole + whole, whole + whole[-4:], whole[:-1], whole[:-4] + bytes(4), *others)
        )

    return _replace(chunks, b"IDAT", change)


def _replace(chunks: Chunks, kind: bytes, change: Callable[[bytes], bytes]) -> Chunks:
    return [(each, change(body) if each == kind else body) for each, body in chunks]


_MUTATIONS = (_order, _body, _size, _header, _header, _header, _pixels, _pixels, _pixels)
