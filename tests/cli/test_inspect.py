"""`veilseg inspect`: the header, and an honest sentence about every cipher."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from veilseg.ciphers.leakage import SENTENCE

from veilseg.ciphers import CIPHERS
from veilseg.cli.inspect import describe
from veilseg.container import Header

NAMES = (
    "subblock-sort",
    "subblock-shuffle",
    "subblock-quartiles",
    "mosaic",
    "patch-permutation",
    "patch-rotation",
    "shf",
    "np",
    "ffx",
)


@pytest.mark.parametrize("name", NAMES)
def test_table_and_json(cli, photo: Path, name: str) -> None:
    cli("keygen", "-o", "my.key")
    key = ["--key", "my.key"] if name not in ("subblock-sort", "subblock-quartiles", "mosaic") else []
    assert cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", name, *key).code == 0
    done = cli("inspect", "veiled.png", "--json")
    facts = json.loads(done.text)
    assert done.code == 0
    assert (facts["cipher"], facts["block"], facts["height"], facts["width"]) == (name, 16, 25, 37)
    assert facts["bytes"] == Path("veiled.png").stat().st_size
    table = cli("inspect", "veiled.png").text
    assert re.search(rf"^cipher +{name} *$", table, re.MULTILINE)
    assert re.search(r"^gives away +\S", table, re.MULTILINE)
    fingerprint = cli("keygen", "--fingerprint", "my.key").text.strip()
    assert (fingerprint in table) == (fingerprint in facts["decrypts"]) == bool(key)
    assert ("nobody" in facts["decrypts"]) != bool(key)


def test_every_cipher_has_its_sentence() -> None:
    assert CIPHERS.keys() == set(NAMES)
    for name in (*NAMES, "later"):
        sentence = describe(Header(cipher=name, block=16, sub_block=4, height=9, width=9), 100)["gives_away"]
        assert "{" not in sentence
        assert ("not known here" in sentence) == (name == "later")
        assert (SENTENCE.format(s=4) in sentence) == (
            name in ("subblock-sort", "subblock-shuffle", "subblock-quartiles", "mosaic")
        )


def test_the_sentence_follows_the_options() -> None:
    def sentence(**options: str) -> str:
        return describe(Header(cipher="subblock-sort", block=16, sub_block=4, height=9, width=9, **options), 1)[
            "gives_away"
        ]

    assert "4 x 4" in sentence()
    assert "without the channels' names" in sentence(channels="sub-block")
    assert "without the channels' names" not in sentence(channels="none")


def test_stdin(cli, photo: Path) -> None:
    veiled = cli("encrypt", "photo.png", "-o", "-").out
    assert json.loads(cli("inspect", "-", "--json", stdin=veiled).text)["width"] == 37


def test_other_files(cli, photo: Path) -> None:
    done = cli("inspect", "photo.png")
    assert (done.code, done.out) == (1, b"")
    assert done.err.startswith("error: this PNG is not an encrypted image\nhint: ")
    assert cli("inspect", "missing.png").code == 1
