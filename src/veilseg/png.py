"""PNG at the level of its chunks: exactly the subset that encrypted images use, read strictly and written plainly.

An encrypted image is `IHDR tEXt IDAT... IEND` and nothing else. A reader that accepts nothing else cannot be surprised
by an animation, a compressed text bomb or a stowaway after the end, and a file that passes carries no metadata.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray

from veilseg.errors import InvalidImageError
from veilseg.header import MAX_PIXELS

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 2048
_STEP = 1 << 18  # bytes of pixels inflated at a time while counting them
_ROWS = 8  # filtered at a time, so that what is computed stays in the processor's cache
# Encrypted pixels hold few repeated strings: what repeats within two bytes (runs) is all that pays for a search.
# bench/client.py measures it against zlib with filters chosen row by row: as many bytes in a fraction of the time.
_LEVEL, _WINDOW = 1, 1  # of ISA-L; the window as a power of two, in bytes

_DAMAGED_HINT = "the file was damaged or cut on the way; fetch it again, or encrypt the photograph again"
_CHANGED_HINT = "use the file just as veilseg wrote it; image editors and optimizers add or change things"


@dataclass(frozen=True, slots=True)
class Png:
    """The parts of a PNG: size in pixels, bits per value (8 or 16), what the one text chunk says, compressed pixels."""

    width: int
    height: int
    depth: int
    text: str
    idat: bytes | bytearray

    @property
    def raw_size(self) -> int:
        """Bytes of the uncompressed pixels, the filter byte of every row included."""
        return self.height * (1 + self.width * 3 * self.depth // 8)


def parse(data: bytes, keyword: str) -> Png:
    """Take a PNG apart without decoding pixels; memory stays proportional to `data`.

    Raises InvalidImageError for everything but an 8- or 16-bit RGB PNG of at most MAX_PIXELS with one tEXt chunk named
    `keyword` before its pixels.
    """
    if not data.startswith(SIGNATURE):
        raise InvalidImageError("this is not a PNG file", "an encrypted image is a PNG that `veilseg encrypt` wrote")
    ihdr: tuple[int, int, int] | None = None
    text: str | None = None
    foreign: str | None = None
    idat = bytearray()  # no list of parts: a file may hold millions of empty ones
    position, started, done = len(SIGNATURE), False, False
    view = memoryview(data)
    while not done:
        kind, body, position = _chunk(view, position)
        if ihdr is None:
            if kind != b"IHDR":
                raise InvalidImageError("the PNG does not begin with its size", _DAMAGED_HINT)
            ihdr = _size(body)
        elif (
            kind == b"tEXt"
            and text is None
            and not started
            and bytes(body[: len(keyword) + 1]) == keyword.encode() + b"\0"
        ):
            if len(body) > MAX_TEXT:
                raise InvalidImageError("the header of the encrypted image is too long", _CHANGED_HINT)
            text = bytes(body[len(keyword) + 1 :]).decode("latin-1")
        elif kind == b"IDAT":
            started = True
            idat += body
        elif kind == b"IEND":
            if len(body):
                raise InvalidImageError("the encrypted image has data in its end", _CHANGED_HINT)
            done = True
        else:
            foreign = foreign or kind.decode("ascii")
    if ihdr is None or text is None:
        raise InvalidImageError(
            "this PNG is not an encrypted image", "encrypt it first: veilseg encrypt photo.jpg -o encrypted.png"
        )
    if foreign is not None:
        raise InvalidImageError(f"the encrypted image holds a foreign part ({foreign})", _CHANGED_HINT)
    if not started:
        raise InvalidImageError("the encrypted image is truncated: pixels are missing", _DAMAGED_HINT)
    if position != len(data):
        raise InvalidImageError("the encrypted image has extra data after its end", _CHANGED_HINT)
    width, height, kind_of_pixels = ihdr
    if kind_of_pixels not in (8, 16):
        raise InvalidImageError("the encrypted image is not stored as 8- or 16-bit RGB", _CHANGED_HINT)
    return Png(width, height, kind_of_pixels, text, idat)


def _chunk(view: memoryview, position: int) -> tuple[bytes, memoryview, int]:
    """The chunk at `position`: kind, body, the position after it. Length, kind and checksum are verified."""
    if position + 12 > len(view):
        raise InvalidImageError("the PNG is truncated", _DAMAGED_HINT)
    (length,) = struct.unpack_from(">I", view, position)
    end = position + 12 + length
    if end > len(view):
        raise InvalidImageError("the PNG is truncated", _DAMAGED_HINT)
    kind = bytes(view[position + 4 : position + 8])
    (expected,) = struct.unpack_from(">I", view, end - 4)
    if zlib.crc32(view[position + 4 : end - 4]) != expected or not (kind.isascii() and kind.isalpha()):
        raise InvalidImageError("the PNG is damaged: a checksum does not match", _DAMAGED_HINT)
    return kind, view[position + 8 : end - 4], end


def _size(body: memoryview) -> tuple[int, int, int]:
    """Width, height and bits per value from IHDR.

    0 bits for a colour type or interlacing that encrypted images never have.
    """
    if len(body) != 13:
        raise InvalidImageError("the PNG's size cannot be read", _DAMAGED_HINT)
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if width == 0 or height == 0:
        raise InvalidImageError("the PNG has no pixels", _DAMAGED_HINT)
    if width * height > MAX_PIXELS:
        raise InvalidImageError(
            f"the PNG is too large: {width} x {height} pixels", f"the limit is {MAX_PIXELS // 10**6} million pixels"
        )
    plain = (colour, compression, filtering, interlace) == (2, 0, 0, 0)
    return width, height, depth if plain else 0


def read_pixels(png: Png) -> NDArray[Any]:
    """Decode: uint8 or uint16 [height, width, 3].

    Memory is spent only once the compressed data is known to hold exactly these pixels.

    16-bit images (values already noise-like) are stored without row filters, and only such are read.
    """
    _check_stream(png)
    if png.depth == 16:
        rows = np.frombuffer(zlib.decompress(png.idat), dtype=np.uint8).reshape(png.height, -1)
        if rows[:, 0].any():
            raise InvalidImageError("the 16-bit encrypted image uses row filters", _CHANGED_HINT)
        values = np.ascontiguousarray(rows[:, 1:]).view(">u2").reshape(png.height, png.width, 3)
        return values.astype(np.uint16)
    from PIL import Image

    # Pillow sees only what was checked: our own IHDR, the pixels, and the end.
    clean = SIGNATURE + _ihdr(png.width, png.height, 8) + build_chunk(b"IDAT", png.idat) + build_chunk(b"IEND", b"")
    try:
        # The size was checked above; Pillow's own limit would only print a warning on the way.
        with Image.open(io.BytesIO(clean), formats=["PNG"]) as image:
            return np.array(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImageError("the pixels of the encrypted image cannot be decoded", _DAMAGED_HINT) from error


def _check_stream(png: Png) -> None:
    """Inflate once without keeping anything: the stream must end exactly where the pixels do.

    Piece by piece, because zlib hands back a copy of all input that it has not read yet: of the whole stream at every
    step, that would take time in the square of its length.
    """
    inflate, view, total = zlib.decompressobj(), memoryview(png.idat), 0
    try:
        for start in range(0, max(len(view), 1), _STEP):
            rest: bytes | memoryview = view[start : start + _STEP]
            while not inflate.eof:
                out = inflate.decompress(rest, _STEP)
                rest = inflate.unconsumed_tail
                total += len(out)
                if total > png.raw_size:
                    raise InvalidImageError("the encrypted image holds more pixels than it says", _DAMAGED_HINT)
                if not out and not rest:
                    break
            if inflate.eof and (inflate.unused_data or start + _STEP < len(view)):
                raise InvalidImageError("the encrypted image has extra data after its pixels", _CHANGED_HINT)
    except zlib.error as error:
        raise InvalidImageError("the pixels of the encrypted image are damaged", _DAMAGED_HINT) from error
    if not inflate.eof or total != png.raw_size:
        raise InvalidImageError("the encrypted image is truncated: pixels are missing", _DAMAGED_HINT)


def write(pixels: NDArray[Any], keyword: str, text: str) -> bytes:
    """A PNG of uint8 or uint16 `pixels` [height, width, 3] with one tEXt chunk (ASCII) before the pixels, no more."""
    height, width, _ = pixels.shape
    if pixels.dtype == np.uint16:  # like noise: rows keep the leading zero, filter 0, which is none
        rows = np.zeros((height, 1 + width * 6), dtype=np.uint8)
        rows[:, 1:] = np.ascontiguousarray(pixels, dtype=">u2").view(np.uint8).reshape(height, -1)
    else:
        rows = _paeth(pixels.reshape(height, -1))
    deflated = igzip_lib.compress(rows.data, _LEVEL, igzip_lib.COMP_ZLIB, hist_bits=_WINDOW)
    note = build_chunk(b"tEXt", keyword.encode("ascii") + b"\0" + text.encode("ascii"))
    head = SIGNATURE + _ihdr(width, height, pixels.itemsize * 8) + note
    return head + build_chunk(b"IDAT", deflated) + build_chunk(b"IEND", b"")


def _paeth(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """PNG's filter 4 (PNG specification, 9.4) on rows of RGB values, uint8 [H, 3 W].

    Returns uint8 [H, 1 + 3 W], every row led by the filter's number.

    Of left, up and corner (up and left) the one nearest to left + up - corner predicts a value; what is kept is the
    difference. All in 8 bits: where left and up lie on one side of the corner, the corner is never the nearest, and
    where they lie on two, its distance is the difference of the other two.
    """
    height, width = values.shape
    filtered = np.empty((height, 1 + width), dtype=np.uint8)
    filtered[:, 0] = 4
    part = np.zeros((_ROWS + 1, 3 + width), dtype=np.uint8)  # with the row above, and zeros left of the picture
    for top in range(0, height, _ROWS):
        count = min(_ROWS, height - top)
        part[0] = part[_ROWS]
        part[1 : count + 1, 3:] = values[top : top + count]
        left, up, corner = part[1 : count + 1, :-3], part[:count, 3:], part[:count, :-3]
        to_left, to_up = _distance(up, corner), _distance(left, corner)
        one_side = (up >= corner) == (left >= corner)
        to_corner = _distance(to_left, to_up)
        is_left = (to_left <= to_up) & (one_side | (to_left <= to_corner))
        is_up = one_side | (to_up <= to_corner)
        predicted = _choose(is_left, left, _choose(is_up, up, corner))
        np.subtract(part[1 : count + 1, 3:], predicted, out=filtered[top : top + count, 1:])
    return filtered


def _distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.maximum(a, b) - np.minimum(a, b)


def _choose(where: NDArray[np.bool_], a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """np.where by bits, which is several times as fast on bytes."""
    return b ^ ((a ^ b) & np.negative(where.view(np.uint8)))


def _ihdr(width: int, height: int, depth: int) -> bytes:
    return build_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))


def build_chunk(kind: bytes, body: bytes | bytearray) -> bytes:
    """One chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
