"""The header: one text for every header, to the character, and no header for any other text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.encrypted_files import headers
from veilseg.catalog import CATALOG
from veilseg.errors import InvalidImageError
from veilseg.header import FIELDS, MAX_PIXELS, Header, read_header
from veilseg.spec import CipherSpec, make_spec

SORT = Header(spec=CipherSpec("subblock-sort", 16, 8), height=20, width=30)
NONCE, FINGERPRINT = "00112233445566778899aabbccddeeff", "0123456789abcdef"


def with_key(name: str) -> Header:
    """Of a cipher with a key where it takes one."""
    row = CATALOG[name]
    return Header(
        spec=make_spec(name),
        height=20,
        width=30,
        nonce=NONCE if row.key == "optional" else None,
        key_fingerprint=None if row.key == "none" else FINGERPRINT,
    )


def text_of(values: dict[str, Any]) -> str:
    """As a header is written, whatever its values."""
    return json.dumps(values, separators=(",", ":"))


@settings(max_examples=200, deadline=None)
@given(headers(most=5000, block=32))
def test_round_trip(header: Header) -> None:
    text = header.to_json()
    assert read_header(text) == header
    assert list(json.loads(text)) == [name for name in FIELDS if name in header.to_dict()]
    assert all(padded % header.spec.block == 0 for padded in header.padded_size)
    assert 0 <= header.padded_size[0] - header.height < header.spec.block


@settings(max_examples=300, deadline=None)
@given(headers(), st.data())
def test_what_is_read_is_what_would_be_written(header: Header, data: st.DataObject) -> None:
    """A character more, less or else: refused, or the text of another header."""
    text = header.to_json()
    at = data.draw(st.integers(0, len(text)))
    inserted = data.draw(st.text(alphabet=' \n"\\,:.+-0123456789eEaflnrstu\u212a\u0131', max_size=2))
    changed = text[:at] + inserted + text[at + data.draw(st.integers(0, 2)) :]
    try:
        found = read_header(changed)
    except InvalidImageError:
        return
    assert found.to_json() == changed


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(":", ": "),
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: "\ufeff" + text,
        lambda text: text.replace('"height":20,"width":30', '"width":30,"height":20'),
        lambda text: text.replace('"height":20', '"height":20.0'),
        lambda text: text.replace('"height":20', '"height":2e1'),
        lambda text: text.replace('"height":20', '"height":020'),
        lambda text: text.replace('"height":20', '"height":20,"height":20'),
        lambda text: text.replace("subblock", "\\u0073ubblock"),
        lambda text: text.replace('"height":20', '"height":20,"nonce":null'),
        lambda text: text.replace("}", "}{}"),
    ],
)
def test_the_text_is_fixed_to_the_character(change: Any) -> None:
    changed = change(SORT.to_json())
    assert changed != SORT.to_json()
    with pytest.raises(InvalidImageError, match="header"):
        read_header(changed)


@pytest.mark.parametrize("name", CATALOG)
def test_every_field_of_every_cipher(name: str) -> None:
    """Each is needed where the catalogue says so, and refused where it says never."""
    header = with_key(name)
    values = header.to_dict()
    assert read_header(header.to_json()) == header
    for field in values:
        with pytest.raises(InvalidImageError):
            read_header(text_of({key: value for key, value in values.items() if key != field}))
    more = {"sub_block": 4, "nonce": NONCE, "key_fingerprint": FINGERPRINT}
    for field in more.keys() - values.keys():
        everything = {**values, field: more[field]}
        with pytest.raises(InvalidImageError, match="no sub-blocks" if field == "sub_block" else "no meaning"):
            read_header(text_of({key: everything[key] for key in FIELDS if key in everything}))


def test_the_nonce_comes_with_the_fingerprint_or_not_at_all() -> None:
    spec = make_spec("subblock-shuffle")
    Header(spec=spec, height=1, width=1)
    Header(spec=spec, height=1, width=1, nonce=NONCE, key_fingerprint=FINGERPRINT)
    with pytest.raises(InvalidImageError, match="key_fingerprint is missing"):
        Header(spec=spec, height=1, width=1, nonce=NONCE)
    with pytest.raises(InvalidImageError, match="nonce is missing"):
        Header(spec=spec, height=1, width=1, key_fingerprint=FINGERPRINT)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 2}, "unknown version"),
        ({"version": True}, "unknown version"),
        ({"version": "3"}, "unknown version"),
        ({"version": 3.0}, "unknown version"),
        ({"version": None}, "unknown version"),
        ({"version": 4, "flavour": "new"}, "unknown version"),
        ({"cipher": "Sub Block"}, "cipher"),
        ({"cipher": "plain"}, "cipher"),
        ({"cipher": "a" * 1500}, "cipher"),
        ({"cipher": 7}, "cipher"),
        ({"cipher": ["subblock-sort"]}, "cipher"),
        ({"block": 0}, "block"),
        ({"block": -16}, "block"),
        ({"block": 16.0}, "block"),
        ({"block": True}, "block"),
        ({"block": 65}, "block"),
        ({"sub_block": 5}, "divide"),
        ({"sub_block": 32}, "divide"),
        ({"sub_block": 1}, "photograph itself"),
        ({"sub_block": None}, "needs the side"),
        ({"height": 0}, "height"),
        ({"width": "30"}, "width"),
        ({"width": 10**30}, "width"),
        ({"height": False}, "height"),
        ({"height": 20_000, "width": 20_000}, "too large"),
        ({"height": MAX_PIXELS, "width": 1}, "too large"),  # with whole blocks it is
        ({"nonce": "00"}, "nonce"),
        ({"nonce": "G" * 32}, "nonce"),
        ({"nonce": "00" * 16 + "\n"}, "nonce"),
        ({"key_fingerprint": "0123456789ABCDEF"}, "key_fingerprint"),
        ({"key_fingerprint": 7}, "key_fingerprint"),
        ({"key": "veilseg-key-1-abc"}, "unknown field"),
        ({"channels": "block"}, "unknown field"),
        ({"shuffle": "shared"}, "unknown field"),
    ],
)
def test_values_that_no_header_has(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidImageError, match=message) as caught:
        read_header(text_of({**SORT.to_dict(), **fields}))
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", '"a"', "{", "{}", "NaN", "\xff\xfe", "1" * 1900, "[" * 1500, '{"a":' * 400),
        *(f'{{"{field}":{"[" * n}{"]" * n}}}' for field in ("version", "x") for n in (500, 940, 980)),
        *(SORT.to_json().replace('"height":20', f'"height":{"[" * n}{"]" * n}') for n in (500, 940)),
    ],
)
def test_texts_that_are_no_header(text: str) -> None:
    with pytest.raises(InvalidImageError, match="header"):
        read_header(text)


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists).map(json.dumps)
    | st.fixed_dictionaries({name: st.integers() | st.text() | st.none() for name in FIELDS}).map(text_of)
)
def test_random_texts_raise_nothing_else(text: str) -> None:
    with pytest.raises(InvalidImageError):
        read_header(text)
