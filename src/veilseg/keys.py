"""Keys: 256 secret bits with a text form that is versioned and checksummed, and subkeys for every image and purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from veilseg.errors import InvalidKeyError, VeilsegError

PREFIX = "veilseg-key-1-"
SECRET_BYTES = 32
_MARK = "\ufeff"  # stands for a file that an editor did not save as plain text
_CHECK_BYTES = 4
_CHARS = 58  # 36 bytes in base32 without padding: 288 bits and two zero bits
_MAX_FILE = 64 * 1024
_SPACE = " \t\r\n"  # what may stand around a key; Python's own idea of white space is wider
_HINT = "make a key with `veilseg keygen`, and copy it whole"


class Key:
    """A 256-bit secret. `str(key)` is the secret's text form; nothing else shows it.

    Made by `Key.generate()`, `Key.parse(text)` or `Key.load(path)`. Two keys are equal when their secrets are
    (compared in constant time). A key is neither hashable nor picklable, so that it does not end up in caches, logs
    or other processes by accident.
    """

    # The secret hides in the cell of a closure: neither vars, nor dir, nor a debugger's list of attributes shows it.
    __slots__ = ("__weakref__", "_fingerprint", "_reveal")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, secret: bytes) -> None:
        """`secret`: exactly 32 bytes. Raises InvalidKeyError for anything else."""
        self._fingerprint: str | None = "invalid"
        if not isinstance(secret, bytes) or len(secret) != SECRET_BYTES:
            secret = b""  # a traceback that prints locals finds nothing here
            raise InvalidKeyError(
                f"a key is made of exactly {SECRET_BYTES} bytes", "use Key.generate() or Key.parse(text)"
            )
        self._reveal: Callable[[], bytes] = lambda: secret
        self._fingerprint = None

    @classmethod
    def generate(cls) -> Key:
        """A new key from the operating system's random generator."""
        return cls(os.urandom(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read the text form; capitals do not matter, nor spaces, tabs and line ends around it.

        Raises InvalidKeyError, which never repeats the text, when the prefix, the version, the length, a character or
        the checksum is wrong.
        """
        problem, secret = _decode(text)
        text = ""
        if secret is None:
            raise InvalidKeyError(problem, _HINT)
        return cls(secret)

    def derive(self, purpose: str, nonce: bytes = b"", length: int = 32) -> bytes:
        """A subkey of `length` bytes: HKDF-SHA256 with salt "veilseg-1" and info = purpose || 0x00 || nonce.

        Different purposes (text without NUL) or nonces give unrelated subkeys; a subkey tells nothing of the key.
        """
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        if "\0" in purpose:
            raise ValueError("a purpose holds no NUL, because NUL separates it from the nonce")
        info = purpose.encode() + b"\0" + nonce
        return HKDF(algorithm=SHA256(), length=length, salt=b"veilseg-1", info=info).derive(self._reveal())

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell keys apart; safe to publish, since nothing about the secret follows from them."""
        if self._fingerprint is None:
            self._fingerprint = self.derive("fingerprint", length=8).hex()
        return self._fingerprint

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the key to a file that only its owner may read (mode 0600 from its creation).

        Raises VeilsegError if the file exists and `overwrite` is false. Nothing half-written is ever left.
        """
        from veilseg.files import write_atomic

        comment = f"# veilseg key, fingerprint {self.fingerprint}; keep it secret and keep a copy"
        failure = None
        try:
            write_atomic(path, f"{comment}\n{self!s}\n".encode(), overwrite=overwrite, mode=0o600)
        except VeilsegError as error:
            failure = VeilsegError(error.message, error.hint)
        if failure is not None:  # raised afresh, because the frames below hold the key's text
            raise failure

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Key:
        """Read a key file: one key, and lines that begin with # or are empty.

        Warns when others than the owner may read the file. Raises VeilsegError if the file cannot be read,
        InvalidKeyError if it does not hold exactly one key.
        """
        name = Path(path).name or str(path)
        try:
            line, mode = _read_line(Path(path))
        except OSError as error:
            hint = "make a key with `veilseg keygen`"
            raise VeilsegError(f"the key file {name} cannot be read: {error.strerror}", hint) from error
        problem, secret = _decode(line)
        if not line or secret is None:
            line = ""
            raise InvalidKeyError(f"the file {name} does not hold exactly one key: {problem}", _HINT)
        if os.name == "posix" and stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
            message = f"the key file {name} can be read by others; make it private with: chmod 600 {name}"
            warnings.warn(message, UserWarning, stacklevel=2)
        return cls(secret)

    def __str__(self) -> str:
        secret = self._reveal()
        return PREFIX + base64.b32encode(secret + _checksum(secret)).decode().rstrip("=").lower()

    def __repr__(self) -> str:
        return f"Key(fingerprint={self.fingerprint!r})"

    def __format__(self, spec: str) -> str:
        # f"{key}" is how secrets get into logs; str(key) has to be asked for by name.
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return hmac.compare_digest(self._reveal(), other._reveal()) if isinstance(other, Key) else NotImplemented

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key cannot be pickled or copied; pass str(key) where it is meant to go, and Key.parse there")


def _checksum(secret: bytes) -> bytes:
    return hashlib.sha256(b"veilseg-key-1" + secret).digest()[:_CHECK_BYTES]


def _read_line(path: Path) -> tuple[str, int]:
    """The one line of a key file that is no comment ("" if there are none or several), and the file's mode."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        data = file.read(_MAX_FILE + 1)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or b"v\0e\0i\0l\0" in data:
        return _MARK, mode
    lines = [line.strip(_SPACE) for line in data.decode("utf-8", "replace").split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    return (lines[0] if len(lines) == 1 and len(data) <= _MAX_FILE else ""), mode


def _decode(text: str) -> tuple[str, bytes | None]:
    """(what is wrong, None) or ("", secret). Returns instead of raising, so that no traceback passes through here."""
    if not isinstance(text, str):
        return "a key is text", None
    body = text.strip(_SPACE)
    body = body.lower() if body.isascii() else ""  # the Kelvin sign would become a k
    if text == _MARK:
        return "it begins with a byte-order mark or is UTF-16; save it as plain UTF-8", None
    if not body.startswith("veilseg-key-"):
        return f"this is not a veilseg key: a key begins with {PREFIX}", None
    if not body.startswith(PREFIX):
        return f"this key has a version that is unknown here: known is {PREFIX}", None
    body = body[len(PREFIX) :]
    if len(body) != _CHARS:
        return f"this key has {len(body)} characters after {PREFIX}, but {_CHARS} are needed", None
    if set(body) - set("abcdefghijklmnopqrstuvwxyz234567"):
        return "this key holds a character that no key has (only a-z and 2-7 occur)", None
    raw = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    secret, check = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
    canonical = base64.b32encode(raw).decode().rstrip("=").lower() == body  # else the last two bits are not zero
    if not canonical or not hmac.compare_digest(check, _checksum(secret)):
        return "this key has a typing error: its checksum does not match", None
    return "", secret
