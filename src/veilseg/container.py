"""The encrypted image as a file: a PNG that any viewer opens, with a public, versioned header inside.

The header is one line of JSON in a tEXt chunk named "veilseg". The file never holds a key, nor metadata of the
original.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from veilseg import png
from veilseg.errors import InvalidImageError
from veilseg.header import MAX_PIXELS, Header, read_header

KEYWORD = "veilseg"
HEAD = 4096  # bytes of a file in which our header begins
#: No valid file is longer: 16-bit RGB of MAX_PIXELS that did not compress, plus the chunks around it.
MAX_BYTES = 6 * MAX_PIXELS + (1 << 20)


def is_encrypted(head: bytes) -> bool:
    """Whether a file that begins with these bytes has our header, whatever else may be wrong with it.

    Such a file must not pass as a photograph. HEAD bytes are enough.
    """
    return KEYWORD.encode() + b"\0" in head[:HEAD]


def encode(pixels: NDArray[Any], header: Header) -> bytes:
    """The file of an encrypted image. `pixels`: [H', W', 3] at the padded size, of the header's dtype.

    Raises InvalidImageError when the pixels do not fit the header.
    """
    if pixels.shape != (*header.padded_size, 3) or pixels.dtype != header.dtype:
        raise InvalidImageError(
            f"the pixels do not fit the header: {pixels.dtype} {list(pixels.shape)}, "
            f"expected {header.dtype} {[*header.padded_size, 3]}",
            "pass the padded pixels just as the cipher made them",
        )
    return png.write(pixels, KEYWORD, header.to_json())


def decode(data: bytes) -> tuple[NDArray[Any], Header]:
    """The (pixels, header) of an encrypted image's file; pixels as in `encode`, freshly allocated.

    Raises InvalidImageError, and nothing else, for every other input: foreign, truncated, damaged, oversized or
    inconsistent files. Sizes are checked before pixels are decoded.
    """
    parts, header = _read(data)
    return png.read_pixels(parts), header


def decode_header(data: bytes) -> Header:
    """The header alone, after every check that needs no pixels. Raises InvalidImageError like `decode`."""
    return _read(data)[1]


def _read(data: bytes) -> tuple[png.Png, Header]:
    parts = png.parse(data, KEYWORD)
    header = read_header(parts.text)
    if (parts.height, parts.width) != header.padded_size:
        raise InvalidImageError(
            f"the encrypted image is {parts.width} x {parts.height} pixels, but its header asks for "
            f"{header.padded_size[1]} x {header.padded_size[0]}",
            "it was cropped or scaled after encryption; only the file as it was written can be used",
        )
    if parts.depth != header.dtype.itemsize * 8:
        raise InvalidImageError(
            f"the encrypted image has {parts.depth} bits per value, "
            f"but {header.spec.cipher} uses {header.dtype.itemsize * 8}",
            "it was converted after encryption; only the file as it was written can be used",
        )
    return parts, header
