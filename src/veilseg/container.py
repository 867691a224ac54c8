"""The encrypted image as a file: a PNG that any viewer opens, with a public, versioned header inside.

The header is one line of JSON in a tEXt chunk named "veilseg". It says what a server must know (cipher, block, true
size) and what the key holder needs to find the way back (nonce, fingerprint of the key). It never holds a key, and the
file never holds metadata of the original.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg import png
from veilseg.errors import InvalidImage
from veilseg.parameters import CHANNELS, MAX_BLOCK, SHUFFLES

VERSION = 2
KEYWORD = "veilseg"
MAX_PIXELS = png.MAX_PIXELS
#: No valid file is longer: 16-bit RGB of MAX_PIXELS that did not compress, plus the chunks around it.
MAX_BYTES = 6 * MAX_PIXELS + (1 << 20)
#: Ciphers whose values need 16 bits; all others have 8.
SIXTEEN_BIT = frozenset({"patch-rotation", "ffx"})

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_HINT = "the file was changed or made by something else; encrypt the photograph again with `veilseg encrypt`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an encrypted image says about itself; everything here is public.

    cipher: name in lower case; block, sub_block: sides in pixels (sub_block divides block; None where the cipher has
    none); height, width: true size in pixels, before padding to whole blocks; channels, shuffle: options of the
    sub-block ciphers, else None; nonce: 32 hex digits, present where a key holder can decrypt with a subkey of this
    image; key_fingerprint: 16 hex digits, see Key.fingerprint.

    Raises InvalidImage when a field has a wrong type or a value out of range.
    """

    version: int = VERSION
    cipher: str
    block: int
    sub_block: int | None = None
    height: int
    width: int
    channels: str | None = None
    shuffle: str | None = None
    nonce: str | None = None
    key_fingerprint: str | None = None

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version != VERSION:
            raise InvalidImage(
                f"the encrypted image has a header of unknown version {str(self.version)[:20]!r}",
                f"this veilseg reads version {VERSION}; use the one that wrote it, or encrypt the photograph again",
            )
        if not isinstance(self.cipher, str) or len(self.cipher) > 32 or not _NAME.fullmatch(self.cipher):
            raise _bad("cipher", "is not a cipher's name")
        _check_int("block", self.block, MAX_BLOCK)
        _check_int("height", self.height, MAX_PIXELS)
        _check_int("width", self.width, MAX_PIXELS)
        if self.sub_block is not None:
            _check_int("sub_block", self.sub_block, self.block)
            if self.block % self.sub_block:
                raise _bad("sub_block", "does not divide the block")
        if self.channels is not None and self.channels not in CHANNELS:
            raise _bad("channels", f"is none of {', '.join(CHANNELS)}")
        if self.shuffle is not None and self.shuffle not in SHUFFLES:
            raise _bad("shuffle", f"is none of {', '.join(SHUFFLES)}")
        _check_hex("nonce", self.nonce, 32)
        _check_hex("key_fingerprint", self.key_fingerprint, 16)
        height, width = self.padded_size
        if height * width > MAX_PIXELS:
            raise InvalidImage(
                f"the image is too large: {self.width} x {self.height} pixels",
                f"the limit is {MAX_PIXELS // 10**6} million pixels",
            )

    @property
    def padded_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the stored image: the true size rounded up to whole blocks."""
        return -(-self.height // self.block) * self.block, -(-self.width // self.block) * self.block

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the stored values: uint8, or uint16 for the ciphers in SIXTEEN_BIT."""
        return np.dtype(np.uint16 if self.cipher in SIXTEEN_BIT else np.uint8)

    def to_dict(self) -> dict[str, int | str]:
        """The fields that are set, in the order of their definition."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def to_json(self) -> str:
        """One line of ASCII JSON with the fields that are set; the same header always gives the same text."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Header:
        """Read the text of a header. Raises InvalidImage for anything that `to_json` could not have meant: unknown
        version, unknown, repeated or missing fields, wrong types, values out of range.
        """
        try:
            pairs = json.loads(text[: png.MAX_TEXT + 1], object_pairs_hook=_Pairs)
        except (ValueError, RecursionError) as error:
            raise InvalidImage("the header of the encrypted image is not JSON", _HINT) from error
        if not isinstance(pairs, _Pairs):
            raise InvalidImage("the header of the encrypted image is not a JSON object", _HINT)
        values = dict(pairs)
        if len(values) != len(pairs):
            raise InvalidImage("the header of the encrypted image repeats a field", _HINT)
        # The version speaks first: a newer one may well have fields unknown here.
        if "version" in values and values["version"] != VERSION:
            cls(version=values["version"], cipher="unknown", block=1, height=1, width=1)
        known = {field.name for field in fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise InvalidImage(f"the header of the encrypted image has an unknown field {unknown[0][:40]!r}", _HINT)
        if missing := [name for name in ("version", "cipher", "block", "height", "width") if name not in values]:
            raise InvalidImage(f"the header of the encrypted image lacks {missing[0]!r}", _HINT)
        if any(value is None for value in values.values()):
            raise InvalidImage("the header of the encrypted image has an empty field", _HINT)
        return cls(**values)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, repeated names included."""


def _bad(field: str, what: str) -> InvalidImage:
    return InvalidImage(f"the header of the encrypted image is invalid: {field} {what}", _HINT)


def _check_int(field: str, value: object, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise _bad(field, f"is not a whole number from 1 to {most}")


def _check_hex(field: str, value: object, digits: int) -> None:
    if value is not None and (not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value)):
        raise _bad(field, f"is not {digits} lower-case hex digits")


def encode(pixels: NDArray[Any], header: Header) -> bytes:
    """The file of an encrypted image. `pixels`: uint8 (uint16 for the ciphers in SIXTEEN_BIT) [H', W', 3] at the
    padded size.

    Raises InvalidImage when the pixels do not fit the header.
    """
    if pixels.shape != (*header.padded_size, 3) or pixels.dtype != header.dtype:
        raise InvalidImage(
            f"the pixels do not fit the header: {pixels.dtype} {list(pixels.shape)}, "
            f"expected {header.dtype} {[*header.padded_size, 3]}",
            "pass the padded pixels just as the cipher made them",
        )
    return png.write(pixels, KEYWORD, header.to_json())


def decode(data: bytes) -> tuple[NDArray[Any], Header]:
    """The (pixels, header) of an encrypted image's file; pixels as in `encode`, freshly allocated.

    Raises InvalidImage, and nothing else, for every other input: foreign, truncated, damaged, oversized or
    inconsistent files.
    Sizes are checked before pixels are decoded.
    """
    parts, header = _read(data)
    return png.read_pixels(parts), header


def decode_header(data: bytes) -> Header:
    """The header alone, after every check that needs no pixels. Raises InvalidImage like `decode`."""
    return _read(data)[1]


def _read(data: bytes) -> tuple[png.Png, Header]:
    parts = png.parse(data, KEYWORD)
    header = Header.from_json(parts.text[1])
    if (parts.height, parts.width) != header.padded_size:
        raise InvalidImage(
            f"the encrypted image is {parts.width} x {parts.height} pixels, but its header asks for "
            f"{header.padded_size[1]} x {header.padded_size[0]}",
            "it was cropped or scaled after encryption; only the file as it was written can be used",
        )
    if parts.depth != header.dtype.itemsize * 8:
        raise InvalidImage(
            f"the encrypted image has {parts.depth} bits per value, "
            f"but {header.cipher} uses {header.dtype.itemsize * 8}",
            "it was converted after encryption; only the file as it was written can be used",
        )
    return parts, header
