"""Headers that must be refused: every field of every cipher missing, superfluous, of another type or out of range."""

from __future__ import annotations

import json
from typing import Any

from vectors_parts import KEYS, NONCE, header_of

from veilseg.catalog import CATALOG
from veilseg.header import COMMON_FIELDS, FIELDS

OWN = {"sub_block": 2, "nonce": NONCE.hex(), "key_fingerprint": KEYS[1].fingerprint}


def written(values: dict[str, Any]) -> str:
    """As a header is written: the known fields in their order, others behind."""
    order = [name for name in FIELDS if name in values] + [name for name in values if name not in FIELDS]
    return json.dumps({name: values[name] for name in order}, separators=(",", ":"))


def fields_of_ciphers() -> dict[str, str]:
    """{why: header} with a field of a cipher missing or superfluous."""
    bad = {}
    for name, row in CATALOG.items():
        sub_block = 2 if row.sub_blocks else None
        for keyed in {row.key != "none", row.key == "required"}:
            values = header_of(name, 4, sub_block, 3, 4, keyed).to_dict()
            case = f"{name} with a key" if keyed and row.key == "optional" else name
            for field in OWN:
                if field in values:
                    bad[f"{case} without {field}"] = written({key: v for key, v in values.items() if key != field})
                else:
                    bad[f"{case} and {field}"] = written({**values, field: OWN[field]})
    return bad


def values_of_fields() -> dict[str, str]:
    """{why: header} with a value that the field cannot have, or without a field that all headers have."""
    plain = header_of("subblock-sort", 4, 2, 3, 4, False).to_dict()
    keyed = header_of("subblock-shuffle", 4, 2, 3, 4, True).to_dict()
    odd: list[Any] = [None, True, "", [], {}]
    of_plain: dict[str, list[Any]] = {
        "version": [1, 2, 4, 3.0, "3", *odd],
        "cipher": ["rot13", "plain", "Subblock-Sort", "subblock-sort ", 1, *odd],
        "block": [0, -4, 4.0, "4", 2**64, *odd],
        "sub_block": [0, 1, 3, 8, -2, 2.0, "2", *odd],
        "height": [0, -3, 5, 3.0, "3", 100_000_001, 2**64, *odd],
        "width": [0, -4, 5, 4.0, "4", 100_000_001, 2**64, *odd],
        "channels": ["sub-block"],
        "shuffle": ["channel"],
        "note": ["taken at home"],
        "": [""],
    }
    digits = NONCE.hex()
    of_keyed: dict[str, list[Any]] = {
        "nonce": [digits[1:], digits + "0", digits.upper(), digits[:-1] + "g", digits[:-1] + " ", 7, *odd[1:]],
        "key_fingerprint": [digits[:15], digits[:17], "ABCDEF0123456789", digits[:15] + "g", 7, *odd[1:]],
    }
    bad = {}
    for values, changes in ((plain, of_plain), (keyed, of_keyed)):
        for field, others in changes.items():
            for other in others:
                bad[f"{field}: {json.dumps(other)}"] = written({**values, field: other})
    for field in COMMON_FIELDS:
        bad[f"without {field}"] = written({name: value for name, value in plain.items() if name != field})
    bad["more pixels than the limit"] = written({**plain, "height": 10_000, "width": 10_001})
    bad["more pixels than the limit with whole blocks"] = written({**plain, "height": 33_333_333, "width": 3})
    return bad


def other_texts() -> dict[str, str]:
    """{why: text} of headers that say the right thing in another way, and of what is no header at all."""
    text = header_of("subblock-sort", 4, 2, 3, 4, False).to_json()
    size = '"height":3,"width":4'
    return {
        "no text": "",
        "not JSON": text[:-1],
        "a list": f"[{text}]",
        "a text": '"subblock-sort"',
        "two headers": text + text,
        "a repeated field": text[:-1] + ',"width":4}',
        "a space behind a colon": text.replace('"block":4', '"block": 4'),
        "a space at the end": text + " ",
        "a line end": text + "\n",
        "a NUL at the end": text + "\0",
        "a byte order mark": "\xef\xbb\xbf" + text,
        "a comma too many": text[:-1] + ",}",
        "another order": text.replace(size, '"width":4,"height":3'),
        "3.0": text.replace(size, '"height":3.0,"width":4'),
        "30e-1": text.replace(size, '"height":30e-1,"width":4'),
        "a leading zero": text.replace(size, '"height":03,"width":4'),
        "a plus": text.replace(size, '"height":+3,"width":4'),
        "an escaped letter": text.replace("subblock", "\\u0073ubblock"),
        "an escaped name": text.replace('"block"', '"bloc\\u006b"'),
        "single quotes": text.replace('"', "'"),
        "not ASCII": text.replace("subblock", "s\xfcbblock"),
        "2,049 bytes with the keyword": text + " " * (2049 - 8 - len(text)),
        "lists in lists": '{"version":' + "[" * 990 + "]" * 990 + "}",
    }
