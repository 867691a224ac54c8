"""The encrypted image as a file: what is written, what is read back, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pngs import SIGNATURE, chunk, ihdr, join, split
from veilseg.container import MAX_PIXELS, Header, decode, decode_header, encode
from veilseg.errors import InvalidImageError
from veilseg.png import Png
from veilseg.png import _check_stream as read_stream

SORT = Header(
    cipher="subblock-sort", block=16, sub_block=8, height=20, width=30, channels="sub-block", shuffle="channel"
)
ROTATION = Header(cipher="patch-rotation", block=4, height=5, width=7, key_fingerprint="0123456789abcdef")

BOMB = zlib.compress(bytes(10_000_000))


def random_pixels(header: Header, seed: int = 0) -> np.ndarray:
    top = np.iinfo(header.dtype).max
    return np.random.default_rng(seed).integers(0, top, (*header.padded_size, 3), dtype=header.dtype, endpoint=True)


def valid(header: Header = SORT) -> bytes:
    return encode(random_pixels(header), header)


def with_chunks(*, header: Header = SORT, after: bytes, extra: tuple[bytes, bytes]) -> bytes:
    """A valid file with one more chunk behind the first of kind `after`."""
    chunks = split(valid(header))
    at = next(i for i, (kind, _) in enumerate(chunks) if kind == after)
    return join([*chunks[: at + 1], extra, *chunks[at + 1 :]])


def with_text(text: bytes) -> bytes:
    return join([(kind, b"veilseg\0" + text if kind == b"tEXt" else body) for kind, body in split(valid())])


@pytest.mark.parametrize("header", [SORT, ROTATION], ids=lambda header: header.cipher)
def test_round_trip(header: Header) -> None:
    pixels = random_pixels(header)
    read, found = decode(encode(pixels, header))
    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)
    assert found == header
    read[0, 0, 0] ^= 1  # the array is the caller's own


@settings(max_examples=40, deadline=None)
@given(
    block=st.integers(1, 9),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    wide=st.booleans(),
    nonce=st.none() | st.binary(min_size=16, max_size=16).map(bytes.hex),
    seed=st.integers(0, 99),
)
def test_round_trip_of_any_size(block: int, height: int, width: int, wide: bool, nonce: str | None, seed: int) -> None:
    header = Header(cipher="patch-rotation" if wide else "x", block=block, height=height, width=width, nonce=nonce)
    pixels = random_pixels(header, seed)
    read, found = decode(encode(pixels, header))
    assert np.array_equal(read, pixels)
    assert found == header
    assert Header.from_json(header.to_json()) == header


def test_other_programs_open_it() -> None:
    with Image.open(io.BytesIO(valid())) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (32, 32))
        assert np.array_equal(np.asarray(image), random_pixels(SORT))
        assert json.loads(image.text["veilseg"]) == SORT.to_dict()
    with Image.open(io.BytesIO(valid(ROTATION))) as image:  # Pillow keeps the upper 8 bits of 16
        assert np.array_equal(np.asarray(image), random_pixels(ROTATION) >> 8)


def test_pixels_written_by_other_programs_are_read() -> None:
    """The row filters and the compression are the writer's choice; only the chunks are fixed."""
    pixels = random_pixels(SORT)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    chunks = split(buffer.getvalue())
    chunks.insert(1, (b"tEXt", b"veilseg\0" + SORT.to_json().encode()))
    assert np.array_equal(decode(join(chunks))[0], pixels)


def test_nothing_but_header_and_pixels_is_written() -> None:
    for header in (SORT, ROTATION):
        kinds = [kind for kind, _ in split(valid(header))]
        assert kinds[:2] == [b"IHDR", b"tEXt"]
        assert set(kinds[2:-1]) == {b"IDAT"}
        assert kinds[-1] == b"IEND"


def test_encode_refuses_pixels_that_do_not_fit() -> None:
    with pytest.raises(InvalidImageError, match="do not fit the header"):
        encode(random_pixels(SORT)[:20], SORT)
    with pytest.raises(InvalidImageError, match="do not fit the header"):
        encode(random_pixels(SORT).astype(np.uint16), SORT)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 1}, "unknown version"),
        ({"version": True}, "unknown version"),
        ({"version": "1"}, "unknown version"),
        ({"version": 3, "flavour": "new"}, "unknown version"),
        ({"cipher": "Sub Block"}, "cipher"),
        ({"cipher": "a" * 33}, "cipher"),
        ({"cipher": 7}, "cipher"),
        ({"block": 0}, "block"),
        ({"block": -16}, "block"),
        ({"block": 16.0}, "block"),
        ({"block": True}, "block"),
        ({"block": 4096}, "block"),
        ({"sub_block": 5}, "does not divide"),
        ({"sub_block": 32}, "sub_block"),
        ({"height": 0}, "height"),
        ({"width": "30"}, "width"),
        ({"width": 10**30}, "width"),
        ({"height": 20_000, "width": 20_000}, "too large"),
        ({"channels": "all"}, "channels"),
        ({"channels": ["block"]}, "channels"),
        ({"shuffle": "none"}, "shuffle"),
        ({"nonce": "00"}, "nonce"),
        ({"nonce": "G" * 32}, "nonce"),
        ({"nonce": "00" * 16 + "\n"}, "nonce"),
        ({"key_fingerprint": "0123456789ABCDEF"}, "key_fingerprint"),
        ({"sub_block": None}, "empty field"),
        ({"key": "veilseg-key-1-abc"}, "unknown field"),
    ],
)
def test_header_is_strict(fields: dict[str, Any], message: str) -> None:
    text = json.dumps({**SORT.to_dict(), **fields})
    with pytest.raises(InvalidImageError, match=message):
        Header.from_json(text)
    with pytest.raises(InvalidImageError, match=message):
        decode(with_text(text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"a"',
        "{",
        "[" * 1500,
        '{"a":' * 400,
        "NaN",
        SORT.to_json()[:-1] + ',"block":8}',
        "{}",
        "\xff\xfe",
        "1" * 1900,
    ],
)
def test_header_that_is_no_header(text: str) -> None:
    with pytest.raises(InvalidImageError, match="header"):
        Header.from_json(text)
    with pytest.raises(InvalidImageError, match="header"):
        decode(with_text(text.encode("latin-1")))


@pytest.mark.parametrize("name", ["version", "cipher", "block", "height", "width"])
def test_header_needs_its_fields(name: str) -> None:
    with pytest.raises(InvalidImageError, match=f"lacks '{name}'"):
        Header.from_json(json.dumps({key: value for key, value in SORT.to_dict().items() if key != name}))


def test_a_plain_png_is_not_an_encrypted_image() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, format="PNG")
    with pytest.raises(InvalidImageError, match="not an encrypted image") as caught:
        decode(buffer.getvalue())
    assert "encrypt it first" in (caught.value.hint or "")


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"\xff\xd8\xff\xe0JFIF", b"GIF89a", b"%PDF-1.7", b"\0" * 100])
def test_other_files_are_not_png(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match="not a PNG"):
        decode(data)


def test_every_truncation_is_refused() -> None:
    data = valid(ROTATION)
    for length in range(len(data)):
        with pytest.raises(InvalidImageError):
            decode(data[:length])


@pytest.mark.parametrize("header", [SORT, ROTATION], ids=lambda header: header.cipher)
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
        decode(with_chunks(after=after, extra=(kind, b"name\0\0" + BOMB)))


def test_second_or_late_header_is_refused() -> None:
    again = (b"tEXt", b"veilseg\0" + SORT.to_json().encode())
    for after in (b"tEXt", b"IDAT"):
        with pytest.raises(InvalidImageError, match="foreign part"):
            decode(with_chunks(after=after, extra=again))
    chunks = split(valid())
    with pytest.raises(InvalidImageError, match="not an encrypted image"):
        decode(join([chunks[0], *chunks[2:-1], chunks[1], chunks[-1]]))


def test_comments_beside_the_header_are_refused() -> None:
    with pytest.raises(InvalidImageError, match="foreign part"):
        decode(with_chunks(after=b"IHDR", extra=(b"tEXt", b"Comment\0taken at home")))


def test_data_after_the_end_is_refused() -> None:
    with pytest.raises(InvalidImageError, match="extra data after its end"):
        decode(valid() + b"\0")
    chunks = [(kind, body + b"stowaway" if kind == b"IDAT" else body) for kind, body in split(valid())]
    with pytest.raises(InvalidImageError, match="extra data after its pixels"):
        decode(join(chunks))


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (ihdr(32, 32, depth=16), "16 bits per value"),
        (ihdr(32, 32, depth=4), "8- or 16-bit RGB"),
        (ihdr(32, 32, colour=6), "8- or 16-bit RGB"),
        (ihdr(32, 32, colour=0), "8- or 16-bit RGB"),
        (ihdr(32, 32, interlace=1), "8- or 16-bit RGB"),
        (ihdr(48, 32), "header asks for"),
        (ihdr(32, 16), "header asks for"),
        (ihdr(0, 32), "no pixels"),
        (ihdr(2**31 - 1, 2**31 - 1), "too large"),
        (ihdr(100_001, 1_000), "too large"),
        (chunk(b"IHDR", b"\0" * 12), "size cannot be read"),
        (chunk(b"gAMA", b"\0" * 4), "does not begin"),
    ],
)
def test_wrong_size_or_kind_of_pixels(first: bytes, message: str) -> None:
    rest = join(split(valid())[1:])[len(SIGNATURE) :]
    with pytest.raises(InvalidImageError, match=message):
        decode(SIGNATURE + first + rest)


def test_eight_bit_rotation_is_refused() -> None:
    chunks = split(valid(Header(cipher="x", block=4, height=5, width=7)))
    text = b"veilseg\0" + ROTATION.to_json().encode()
    with pytest.raises(InvalidImageError, match="8 bits per value, but patch-rotation uses 16"):
        decode(join([(kind, text if kind == b"tEXt" else body) for kind, body in chunks]))


@pytest.mark.parametrize(
    ("rows", "message"), [(31, "pixels are missing"), (33, "more pixels than it says"), (0, "pixels are missing")]
)
def test_wrong_amount_of_pixels(rows: int, message: str) -> None:
    idat = zlib.compress(bytes(rows * (1 + 32 * 3)))
    chunks = [(kind, idat if kind == b"IDAT" else body) for kind, body in split(valid())]
    with pytest.raises(InvalidImageError, match=message):
        decode(join(chunks))


def test_row_filters() -> None:
    rows = np.zeros((32, 97), np.uint8)
    rows[:, 0] = 9  # no such filter
    for header, raw in ((SORT, rows), (ROTATION, np.full((8, 49), 1, np.uint8))):
        idat = zlib.compress(raw.tobytes())
        chunks = [(kind, idat if kind == b"IDAT" else body) for kind, body in split(valid(header))]
        with pytest.raises(InvalidImageError):
            decode(join(chunks))


def claim(width: int, height: int, idat: bytes) -> bytes:
    header = Header(cipher="x", block=1, height=height, width=width).to_json().encode()
    return (
        SIGNATURE + ihdr(width, height) + join([(b"tEXt", b"veilseg\0" + header), (b"IDAT", idat), (b"IEND", b"")])[8:]
    )


@pytest.mark.parametrize(
    "data",
    [
        claim(10_000, 10_000, zlib.compress(bytes(1000))),  # claims much, holds little
        claim(8, 8, zlib.compress(bytes(50_000_000))),  # claims little, holds much
        with_chunks(after=b"IHDR", extra=(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))),
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
        png = Png(2000, height, 8, ("", ""), zlib.compress(raw, 0))
        begin = time.thread_time()
        read_stream(png)
        return time.thread_time() - begin

    short = min(seconds(200) for _ in range(3))
    assert seconds(4000) < 100 * short  # 20 times as long; in the square it would be 400


def test_the_limit_is_checked_before_pixels() -> None:
    assert MAX_PIXELS < 2**31
    with pytest.raises(InvalidImageError, match="too large"):
        decode_header(SIGNATURE + ihdr(2**31 - 1, 1))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files_raise_nothing_else(data: st.DataObject) -> None:
    """Whatever happens to the chunks (checksums made right again, so that the mutation gets past them): InvalidImageError
    or an image.
    """
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


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_random_headers_raise_nothing_else(text: str) -> None:
    with pytest.raises(InvalidImageError):
        Header.from_json(text)
