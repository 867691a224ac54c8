"""The encrypted image as a file: what is written, what is read back, and headers that do not fit their pixels."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.encrypted_files import ROTATION, SORT, headers, random_pixels, valid, with_body, with_text
from tests.pngs import SIGNATURE, chunk, ihdr, join, split
from veilseg.container import decode, decode_header, encode
from veilseg.errors import InvalidImageError
from veilseg.header import Header


@pytest.mark.parametrize("header", [SORT, ROTATION], ids=lambda header: header.spec.cipher)
def test_round_trip(header: Header) -> None:
    pixels = random_pixels(header)
    read, found = decode(encode(pixels, header))
    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)
    assert found == header
    read[0, 0, 0] ^= 1  # the array is the caller's own


@settings(max_examples=40, deadline=None)
@given(headers(), st.integers(0, 99))
def test_round_trip_of_any_header(header: Header, seed: int) -> None:
    pixels = random_pixels(header, seed)
    data = encode(pixels, header)
    read, found = decode(data)
    assert np.array_equal(read, pixels)
    assert found == header == decode_header(data)


def test_other_programs_open_it() -> None:
    with Image.open(io.BytesIO(valid())) as image:
        assert isinstance(image, PngImageFile)
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


def test_eight_bits_where_sixteen_are_due_are_refused() -> None:
    chunks = split(valid(ROTATION))
    eight = [(b"IHDR", chunks[0][1][:8] + b"\x08" + chunks[0][1][9:]), *chunks[1:]]
    with pytest.raises(InvalidImageError, match="8 bits per value, but patch-rotation uses 16"):
        decode(join(eight))


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"\xff", SORT.to_json().encode() + b"\0", SORT.to_json().encode("utf-16")]
)
def test_texts_that_are_no_header(text: bytes) -> None:
    with pytest.raises(InvalidImageError, match="header"):
        decode(with_text(text))


def test_the_keyword_and_the_nul_count_too() -> None:
    """2048 bytes are the whole chunk: one more is refused unread; these are read, and are no header."""
    for length, message in ((2048, "not JSON"), (2049, "too long")):
        with pytest.raises(InvalidImageError, match=message):
            decode(with_body(b"tEXt", b"veilseg\0" + b"x" * (length - 8)))
