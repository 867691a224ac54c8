"""The public header of an encrypted image: what a server must know, and what a key holder needs for the way back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from veilseg.errors import InvalidImageError, UsageError
from veilseg.spec import CipherSpec, is_whole, read_spec, short

VERSION = 3
MAX_PIXELS = 100_000_000
#: The fields that every header has; the catalogue says which of the others a cipher has (`CipherFacts.header_fields`).
COMMON_FIELDS = ("version", "cipher", "block", "height", "width")
#: All fields, in the order in which they are written.
FIELDS = ("version", "cipher", "block", "sub_block", "height", "width", "nonce", "key_fingerprint")
_HEX_DIGITS = {"nonce": 32, "key_fingerprint": 16}
_HINT = "the file was changed or made by something else; encrypt the photograph again with `veilseg encrypt`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an encrypted image says about itself; everything here is public.

    Attributes:
        spec: how it was encrypted.
        height, width: the true size in pixels, before padding to whole blocks.
        nonce: 32 hex digits from which a key holder gets the subkey of this image; only where the catalogue says so.
        key_fingerprint: 16 hex digits, see Key.fingerprint; only where there is a key.

    Raises:
        InvalidImageError: when a field is out of range, missing, or has no meaning for the cipher.
    """

    spec: CipherSpec
    height: int
    width: int
    nonce: str | None = None
    key_fingerprint: str | None = None

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if not is_whole(getattr(self, name), 1, MAX_PIXELS):
                raise _bad(name, f"is not a whole number from 1 to {MAX_PIXELS}")
        for name, digits in _HEX_DIGITS.items():
            value = getattr(self, name)
            if value is not None and not _is_hex(value, digits):
                raise _bad(name, f"is not {digits} lower-case hex digits")
        self._check_presence()
        height, width = self.padded_size
        if height * width > MAX_PIXELS:
            raise InvalidImageError(
                f"the image is too large: {self.width} x {self.height} pixels",
                f"with whole blocks, the limit is {MAX_PIXELS // 10**6} million pixels",
            )

    def _check_presence(self) -> None:
        keyed = self.nonce is not None or self.key_fingerprint is not None
        for name, presence in self.spec.facts.header_fields.items():
            if name == "sub_block":
                continue  # CipherSpec's own
            wanted = presence == "always" or (presence == "with a key" and keyed)
            if wanted != (getattr(self, name) is not None):
                raise _bad(name, "is missing" if wanted else f"has no meaning for {self.spec.cipher}")

    @property
    def padded_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the stored image: the true size rounded up to whole blocks."""
        block = self.spec.block
        return -(-self.height // block) * block, -(-self.width // block) * block

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the stored values: uint8 or uint16, as the catalogue says."""
        return np.dtype(f"uint{self.spec.facts.bits}")

    def to_dict(self) -> dict[str, int | str]:
        """The fields that are set, in the order of FIELDS."""
        values = {
            "version": VERSION,
            **self.spec.to_dict(),
            "height": self.height,
            "width": self.width,
            "nonce": self.nonce,
            "key_fingerprint": self.key_fingerprint,
        }
        return {name: values[name] for name in FIELDS if values.get(name) is not None}

    def to_json(self) -> str:
        """One line of ASCII JSON with the fields that are set; the same header always gives the same text."""
        return json.dumps(self.to_dict(), separators=(",", ":"))


def read_header(text: str) -> Header:
    """Read the text of a header.

    Raises InvalidImageError for anything but what `Header.to_json` writes, to the character: an unknown version;
    unknown, repeated, missing, empty or superfluous fields; wrong types; values out of range; another order, spaces,
    10.0 for 10.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidImageError("the header of the encrypted image is not JSON", _HINT) from error
    if not isinstance(values, dict):
        raise InvalidImageError("the header of the encrypted image is not a JSON object", _HINT)
    # The version speaks first: a newer one may well have fields unknown here.
    if "version" in values and not is_whole(values["version"], VERSION, VERSION):
        raise InvalidImageError(
            f"the encrypted image has a header of unknown version {short(values['version'])}",
            f"this veilseg reads version {VERSION}; use the one that wrote it, or encrypt the photograph again",
        )
    if unknown := sorted(values.keys() - set(FIELDS)):
        raise InvalidImageError(f"the header of the encrypted image has an unknown field {unknown[0][:40]!r}", _HINT)
    if missing := [name for name in COMMON_FIELDS if name not in values]:
        raise InvalidImageError(f"the header of the encrypted image lacks {missing[0]!r}", _HINT)
    try:
        spec = read_spec(values)
    except UsageError as error:
        raise InvalidImageError(f"the header of the encrypted image is invalid: {error.message}", _HINT) from error
    rest: dict[str, Any] = {name: values.get(name) for name in ("height", "width", "nonce", "key_fingerprint")}
    header = Header(spec=spec, **rest)
    if header.to_json() != text:
        raise InvalidImageError("the header of the encrypted image is not written as it should be", _HINT)
    return header


def is_fingerprint(value: object) -> bool:
    """Whether `value` has the form of a key's fingerprint: 16 lower-case hex digits."""
    return _is_hex(value, _HEX_DIGITS["key_fingerprint"])


def _is_hex(value: object, digits: int) -> bool:
    return isinstance(value, str) and re.fullmatch(rf"[0-9a-f]{{{digits}}}", value) is not None


def _bad(field: str, what: str) -> InvalidImageError:
    return InvalidImageError(f"the header of the encrypted image is invalid: {field} {what}", _HINT)
