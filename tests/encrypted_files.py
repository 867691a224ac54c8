"""Encrypted images as tests want them: headers of every cipher, as hypothesis draws them, and files changed by hand."""

from __future__ import annotations

import zlib

import numpy as np
from hypothesis import strategies as st

from tests.pngs import join, split
from veilseg.catalog import CATALOG
from veilseg.container import encode
from veilseg.header import Header
from veilseg.spec import CipherSpec

#: Of 8 and of 16 bits.
SORT = Header(spec=CipherSpec("subblock-sort", 16, 8), height=20, width=30)
ROTATION = Header(spec=CipherSpec("patch-rotation", 4), height=5, width=7, key_fingerprint="0123456789abcdef")


@st.composite
def headers(draw: st.DrawFn, most: int = 40, block: int = 9) -> Header:
    """Of images of at most `most` pixels a side, in blocks of at most `block` pixels a side."""
    row = CATALOG[draw(st.sampled_from(tuple(CATALOG)))]
    side = draw(st.integers(2 if row.sub_blocks else 1, block))
    sub_block = draw(st.sampled_from([s for s in range(2, side + 1) if side % s == 0])) if row.sub_blocks else None
    keyed = row.key == "required" or (row.key == "optional" and draw(st.booleans()))

    def digits(field: str, count: int) -> str | None:
        presence = row.header_fields[field]
        wanted = presence == "always" or (presence == "with a key" and keyed)
        return draw(st.text("0123456789abcdef", min_size=count, max_size=count)) if wanted else None

    return Header(
        spec=CipherSpec(row.name, side, sub_block),
        height=draw(st.integers(1, most)),
        width=draw(st.integers(1, most)),
        nonce=digits("nonce", 32),
        key_fingerprint=digits("key_fingerprint", 16),
    )


def random_pixels(header: Header, seed: int = 0) -> np.ndarray:
    top = np.iinfo(header.dtype).max
    return np.random.default_rng(seed).integers(0, top, (*header.padded_size, 3), dtype=header.dtype, endpoint=True)


def valid(header: Header = SORT) -> bytes:
    return encode(random_pixels(header), header)


def with_body(kind: bytes, body: bytes, header: Header = SORT) -> bytes:
    """A valid file whose chunk of this kind holds something else."""
    return join([(name, body if name == kind else old) for name, old in split(valid(header))])


def with_text(text: bytes) -> bytes:
    return with_body(b"tEXt", b"veilseg\0" + text)


def with_raw(raw: bytes, header: Header = SORT) -> bytes:
    """A valid file but for its uncompressed pixels."""
    return with_body(b"IDAT", zlib.compress(raw), header)


def with_chunk(extra: tuple[bytes, bytes], *, after: bytes) -> bytes:
    """A valid file with one more chunk behind the first of kind `after`."""
    chunks = split(valid())
    at = next(i for i, (kind, _) in enumerate(chunks) if kind == after)
    return join([*chunks[: at + 1], extra, *chunks[at + 1 :]])
