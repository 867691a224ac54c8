"""Files that are no encrypted images: broken, foreign, hostile. They cost neither memory nor time."""

from __future__ import annotations

import contextlib
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.encrypted_files import (
    ROTATION,
    SORT,
    random_pixels,
    valid,
    with_body,
    with_chunk,
    with_raw,
    with_text,
)
from tests.pngs import SIGNATURE, chunk, ihdr, join, split
from veilseg.container import decode, decode_header
from veilseg.errors import InvalidImageError
from veilseg.header import MAX_PIXELS, Header
from veilseg.png import Png
from veilseg.png import _check_stream as read_stream
from veilseg.spec import CipherSpec

BOMB = zlib.compress(bytes(10_000_000))
ROWS = np.zeros((32, 97), np.uint8)  # of SORT's image: the filter, then the values


def test_every_truncation_is_refused() -> None:
    data = valid(ROTATION)
    for length in range(len(data)):
        with pytest.raises(InvalidImageError):
            decode(data[:length])


@pytest.mark.parametrize("header", [SORT, ROTATION], ids=lambda header: header.spec.cipher)
def test_every_flipped_byte_is_noticed(header: Header) -> None:
    """Every byte is under a checksum, a length or the signature."""
    data = valid(header)
    for position in range(0, len(data), 7):
        broken = bytearray(data)
        broken[position] ^= 0x41
        with pytest.raises(InvalidImageError):
            decode(bytes(broken))


@pytest.mark.parametrize(
    "kind", [b"iTXt", b"zTXt", b"iCCP", b"eXIf", b"tIME", b"gAMA", b"pHYs", b"PLTE", b"tRNS", b"acTL", b"fdAT", b"abCd"]
)
@pytest.mark.parametrize("after", [b"IHDR", b"tEXt", b"IDAT"])
def test_foreign_chunks_are_refused(kind: bytes, after: bytes) -> None:
    with pytest.raises(InvalidImageError, match=f"foreign part \\({kind.decode()}\\)"):
        decode(with_chunk((kind, b"name\0\0" + BOMB), after=after))


def test_second_or_late_header_is_refused() -> None:
    again = (b"tEXt", b"veilseg\0" + SORT.to_json().encode())
    for after in (b"tEXt", b"IDAT"):
        with pytest.raises(InvalidImageError, match="foreign part"):
            decode(with_chunk(again, after=after))
    chunks = split(valid())
    with pytest.raises(InvalidImageError, match="not an encrypted image"):
        decode(join([chunks[0], *chunks[2:-1], chunks[1], chunks[-1]]))


def test_comments_beside_the_header_are_refused() -> None:
    with pytest.raises(InvalidImageError, match="foreign part"):
        decode(with_chunk((b"tEXt", b"Comment\0taken at home"), after=b"IHDR"))


def test_data_after_the_end_is_refused() -> None:
    with pytest.raises(InvalidImageError, match="extra data after its end"):
        decode(valid() + b"\0")
    chunks = [(kind, body + b"stowaway" if kind == b"IDAT" else body) for kind, body in split(valid())]
    with pytest.raises(InvalidImageError, match="extra data after its pixels"):
        decode(join(chunks))


def test_parts_that_are_missing_or_divided() -> None:
    first, text, data, end = split(valid())
    whole = [(b"IDAT", b""), *((b"IDAT", data[1][at : at + 100]) for at in range(0, len(data[1]), 100)), (b"IDAT", b"")]
    assert np.array_equal(decode(join([first, text, *whole, end]))[0], random_pixels(SORT))
    for parts in (
        [first, text, end],
        [first, text, (b"IDAT", b""), end],
        [first, data, end],
        [text, data, end],
        [first, text, data],
        [first, first, text, data, end],
        [first, text, data, end, end],
        [first, text, data, (b"IEND", b"\0")],
    ):
        with pytest.raises(InvalidImageError):
            decode(join(parts))
    with pytest.raises(InvalidImageError, match="pixels are missing"):
        decode_header(join([first, text, end]))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (ROWS[1:].tobytes(), "pixels are missing"),
        (ROWS.tobytes()[:-1], "pixels are missing"),
        (b"", "pixels are missing"),
        (ROWS.tobytes() + b"\0", "more pixels than it says"),
        ((ROWS + 9).tobytes(), "cannot be decoded"),  # no such row filter
    ],
)
def test_wrong_amount_or_kind_of_pixels(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message):
        decode(with_raw(raw))


@pytest.mark.parametrize("filter", range(5))
def test_row_filters(filter: int) -> None:
    """Of zeros, every filter leaves zeros. 16-bit images have none."""
    rows = ROWS.copy()
    rows[:, 0] = filter
    assert not decode(with_raw(rows.tobytes()))[0].any()
    wide = np.zeros((8, 49), np.uint8)
    wide[:, 0] = filter
    if filter:
        with pytest.raises(InvalidImageError, match="row filters"):
            decode(with_raw(wide.tobytes(), ROTATION))
    else:
        assert not decode(with_raw(wide.tobytes(), ROTATION))[0].any()


def test_streams_that_are_no_zlib_or_need_a_dictionary() -> None:
    compress = zlib.compressobj(zdict=bytes(100))
    preset = compress.compress(ROWS.tobytes()) + compress.flush()
    stream = zlib.compress(ROWS.tobytes())
    raw = zlib.compressobj(wbits=-15)
    for bad in (preset, stream[:-1] + b"\0", stream[2:], raw.compress(ROWS.tobytes()) + raw.flush(), stream[:-4]):
        with pytest.raises(InvalidImageError):
            decode(with_body(b"IDAT", bad))


def claim(width: int, height: int, idat: bytes) -> bytes:
    header = Header(spec=CipherSpec("np", 1), height=height, width=width, key_fingerprint="0" * 16).to_json().encode()
    rest = join([(b"tEXt", b"veilseg\0" + header), (b"IDAT", idat), (b"IEND", b"")])
    return SIGNATURE + ihdr(width, height) + rest[len(SIGNATURE) :]


@pytest.mark.parametrize(
    "data",
    [
        claim(10_000, 10_000, zlib.compress(bytes(1000))),  # claims much, holds little
        claim(8, 8, zlib.compress(bytes(50_000_000))),  # claims little, holds much
        with_chunk((b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))), after=b"IHDR"),
        with_text(b" " * 3000),
    ],
    ids=["empty claim", "pixel bomb", "text bomb", "long header"],
)
def test_bombs_cost_no_memory(data: bytes) -> None:
    decode(valid())  # what is imported on first use is not counted
    tracemalloc.start()
    try:
        with pytest.raises(InvalidImageError):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_millions_of_empty_parts_cost_no_memory() -> None:
    parts = chunk(b"IDAT", b"") * 100_000
    data = valid()
    at = data.index(b"IDAT") - 4
    tracemalloc.start()
    try:
        pixels, _ = decode(data[:at] + parts + data[at:])
        assert tracemalloc.get_traced_memory()[1] < 3 * len(parts)
    finally:
        tracemalloc.stop()
    assert np.array_equal(pixels, random_pixels(SORT))


def test_time_grows_with_the_size_and_not_with_its_square() -> None:
    """Random pixels do not compress, so that the stream is as long as the pixels are many."""

    def seconds(height: int) -> float:
        raw = np.random.default_rng(0).integers(0, 256, (height, 6001), dtype=np.uint8).tobytes()
        png = Png(2000, height, 8, "", zlib.compress(raw, 0))
        begin = time.thread_time()
        read_stream(png)
        return time.thread_time() - begin

    short, long = (min(seconds(height) for _ in range(3)) for height in (200, 4000))
    assert long < 100 * short  # 20 times as long; in the square it would be 400


def test_the_limit_is_checked_before_pixels() -> None:
    assert MAX_PIXELS < 2**31
    with pytest.raises(InvalidImageError, match="too large"):
        decode_header(SIGNATURE + ihdr(2**31 - 1, 1))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files_raise_nothing_else(data: st.DataObject) -> None:
    """Whatever happens to chunks whose checksums are made right again: InvalidImageError, or an image."""
    header = data.draw(st.sampled_from([SORT, ROTATION]))
    chunks = split(valid(header))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(chunks) - 1))
        kind, body = chunks[at]
        action = data.draw(st.sampled_from(["flip", "cut", "drop", "swap", "double", "grow"]))
        if action == "flip" and body:
            position = data.draw(st.integers(0, len(body) - 1))
            body = body[:position] + bytes([body[position] ^ data.draw(st.integers(1, 255))]) + body[position + 1 :]
            chunks[at] = (kind, body)
        elif action == "cut":
            chunks[at] = (kind, body[: data.draw(st.integers(0, len(body)))])
        elif action == "drop" and len(chunks) > 1:
            del chunks[at]
        elif action == "swap":
            other = data.draw(st.integers(0, len(chunks) - 1))
            chunks[at], chunks[other] = chunks[other], chunks[at]
        elif action == "double":
            chunks.insert(at, chunks[at])
        else:
            chunks[at] = (kind, body + data.draw(st.binary(max_size=20)))
    with contextlib.suppress(InvalidImageError):
        pixels, found = decode(join(chunks))
        assert pixels.shape == (*found.padded_size, 3)
        assert pixels.dtype == found.dtype


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans())
@example(b"", True)
@example(struct.pack(">I", 2**32 - 1) + b"IHDR", True)
def test_random_bytes_raise_nothing_else(tail: bytes, signed: bool) -> None:
    with pytest.raises(InvalidImageError):
        decode((SIGNATURE if signed else b"") + tail)
