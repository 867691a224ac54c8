"""Keys: one text form, every typing error refused, and no way for the secret to slip out."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle
import stat
import traceback
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilseg.errors import InvalidKeyError, VeilsegError
from veilseg.keys import PREFIX, Key

SECRET = bytes(range(32))
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def text_of(secret: bytes) -> str:
    check = hashlib.sha256(b"veilseg-key-1" + secret).digest()[:4]
    return "veilseg-key-1-" + base64.b32encode(secret + check).decode().strip("=").lower()


def hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 by hand."""
    prk = hmac.digest(b"veilseg-1", secret, "sha256")
    block, out = b"", b""
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


@given(st.binary(min_size=32, max_size=32))
def test_text_form(secret: bytes) -> None:
    key = Key(secret)
    assert str(key) == text_of(secret)
    assert Key.parse(str(key)) == key
    assert Key.parse(f" \t\r{str(key).upper()}\r\n") == key


def test_generated_keys_differ() -> None:
    keys = [Key.generate() for _ in range(50)]
    assert len({str(key) for key in keys}) == len({key.fingerprint for key in keys}) == 50
    assert keys[0] != keys[1]
    assert keys[0] != str(keys[0])


@given(st.integers(0, 57), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_refused(place: int, letter: str) -> None:
    text = text_of(SECRET)
    at = len(PREFIX) + place
    typo = text[:at] + letter + text[at + 1 :]
    if typo != text:
        with pytest.raises(InvalidKeyError):
            Key.parse(typo)


@given(st.integers(0, 56))
def test_swapped_neighbours_are_refused(place: int) -> None:
    text = text_of(SECRET)
    at = len(PREFIX) + place
    if text[at] != text[at + 1]:
        with pytest.raises(InvalidKeyError):
            Key.parse(text[:at] + text[at + 1] + text[at] + text[at + 2 :])


def test_there_is_one_text_per_key() -> None:
    """The last character carries two bits that mean nothing: only zeros are read."""
    text = text_of(SECRET)
    last = ALPHABET.index(text[-1])
    assert last % 4 == 0
    for other in range(last + 1, last + 4):
        with pytest.raises(InvalidKeyError):
            Key.parse(text[:-1] + ALPHABET[other])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "begins with"),
        ("AGE-SECRET-KEY-1QQQ", "begins with"),
        (text_of(SECRET)[8:], "begins with"),
        (text_of(SECRET).replace("key-1", "key-2"), "version"),
        (text_of(SECRET)[:-1], "characters"),
        (text_of(SECRET) + "a", "characters"),
        (text_of(SECRET)[:-1] + "1", "character"),
        (text_of(SECRET)[:-1] + "é", "begins with"),
        (text_of(SECRET).replace("k", "\u212a", 1), "begins with"),  # the Kelvin sign, whose lower case is k
        *((space + text_of(SECRET), "begins with") for space in "\v\f\x1c\x85\xa0\u2003\ufeff\0"),
    ],
)
def test_problems_are_named_and_never_repeat_the_text(text: str, word: str) -> None:
    with pytest.raises(InvalidKeyError, match=word) as caught:
        Key.parse(text)
    assert caught.value.hint
    body = text[len(PREFIX) :]
    assert not body or body[:12] not in str(caught.value)


@given(st.text(alphabet="abcxyz/-. é", max_size=20), st.binary(max_size=40), st.integers(1, 100))
def test_subkeys(purpose: str, nonce: bytes, length: int) -> None:
    assert Key(SECRET).derive(purpose, nonce, length) == hkdf(SECRET, purpose.encode() + b"\0" + nonce, length)


def test_fingerprint_and_purposes() -> None:
    assert Key(SECRET).fingerprint == hkdf(SECRET, b"fingerprint\0", 8).hex()
    with pytest.raises(ValueError, match="NUL"):
        Key(SECRET).derive("a\0b")


def test_wrong_lengths_are_refused() -> None:
    for secret in (b"", bytes(31), bytes(33), "x" * 32, None):
        with pytest.raises(InvalidKeyError):
            Key(secret)  # type: ignore[arg-type]


def forms(secret: bytes) -> list[str]:
    text = text_of(secret)
    return [
        text[len(PREFIX) :][:20],
        text[-20:],
        repr(secret)[2:30],
        secret.hex()[:20],
        base64.b64encode(secret).decode()[:20],
    ]


def assert_no_secret(shown: str) -> None:
    for form in forms(SECRET):
        assert form.lower() not in shown.lower()


def test_nothing_shows_the_secret() -> None:
    key = Key(SECRET)
    shown = [repr(key), f"{key}", f"{key!r:>80}", f"{key}", repr([key]), repr({"k": key})]
    shown += [repr(getattr(key, name)) for name in dir(key) if name not in ("__str__", "__doc__")]
    for text in shown:
        assert_no_secret(text)
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(TypeError):
        hash(key)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(key, protocol)
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            duplicate(key)


def shown_with_locals(error: BaseException) -> str:
    """The traceback as tools print it that show the variables of every frame, this module's own left out."""
    shown = str(error)
    chain: BaseException | None = error
    while chain is not None:
        stack = traceback.TracebackException.from_exception(chain, capture_locals=True).stack
        shown += "".join(repr(f.locals) for f in stack if Path(f.filename).name != Path(__file__).name)
        chain = chain.__cause__ or chain.__context__
    return shown


def test_tracebacks_with_locals_show_no_secret(tmp_path: Path) -> None:
    typo = text_of(SECRET)[:-4] + "aaaa"
    (tmp_path / "one").write_text(f"# mine\n{typo}\n")
    (tmp_path / "two").write_text(f"{text_of(SECRET)}\n{text_of(SECRET)}\n")
    key = Key(SECRET)
    key.save(tmp_path / "good")
    attempts = [
        lambda: Key.parse(typo),
        lambda: Key(SECRET + b"x"),
        lambda: Key.load(tmp_path / "one"),
        lambda: Key.load(tmp_path / "two"),
        lambda: key.save(tmp_path / "good"),
        lambda: key.save(tmp_path / "none" / "good"),
        lambda: key.save(tmp_path),
        lambda: key.derive("a\0"),
        lambda: key.derive("a", length=10**9),
    ]
    for attempt in attempts:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it must not talk
            attempt()
        assert_no_secret(shown_with_locals(caught.value))


def test_files(tmp_path: Path) -> None:
    path, key = tmp_path / "my.key", Key.generate()
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Key.load(path) == key
    with pytest.raises(VeilsegError, match="exists"):
        Key.generate().save(path)
    assert Key.load(path) == key
    other = Key.generate()
    other.save(path, overwrite=True)
    assert Key.load(path) == other
    assert [entry.name for entry in tmp_path.iterdir()] == ["my.key"]


def test_lines_of_files(tmp_path: Path) -> None:
    path, text = tmp_path / "my.key", text_of(SECRET)
    for content in (text, f"# mine\r\n\r\n\t{text.upper()} \r\n", f"\n  # a \x85 # comment\n{text}\n#{text}"):
        path.write_bytes(content.encode())
        path.chmod(0o600)
        assert Key.load(path) == Key(SECRET)
    for content in (f"# mine\r{text}", f"# mine\x85{text}", f"{text}\f\n", f"{text}\n{text}", f"\ufeff{text}"):
        path.write_bytes(content.encode())
        with pytest.raises(InvalidKeyError):
            Key.load(path)


def test_a_file_that_others_may_read_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "my.key"
    Key(SECRET).save(path)
    path.chmod(0o640)
    with pytest.warns(UserWarning, match="chmod 600") as caught:
        assert Key.load(path) == Key(SECRET)
    assert_no_secret(str(caught[0].message))


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00", b"a" * 100_000])
def test_files_without_a_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.key").write_bytes(content)
    with pytest.raises(InvalidKeyError):
        Key.load(tmp_path / "my.key")
    with pytest.raises(VeilsegError, match="cannot be read"):
        Key.load(tmp_path / "none.key")
