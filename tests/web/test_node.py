"""The web client's encryption in Node: the vectors byte for byte, and files that Python reads."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import veilseg
from tests.web.node import run_node
from veilseg import catalog
from veilseg.keys import Key
from veilseg.runtime import encode_label_png

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "spec" / "vectors"
MADE = catalog.of_family("key-invariant", "reducing", "model key")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what Node wrote, after the vectors held."""
    out = tmp_path_factory.mktemp("node")
    labels = np.random.default_rng(0).integers(0, 11, (37, 53), dtype=np.uint8)
    (out / "expected.npy").write_bytes(labels.tobytes())
    (out / "labels.png").write_bytes(encode_label_png(labels, np.zeros((11, 3), np.uint8)))
    result = run_node("node.mjs", VECTORS, out)
    assert result["wrong"] == []
    assert result["cases"] > 100
    assert set(result["made"]) == set(MADE)
    return out


@pytest.mark.parametrize("name", MADE)
def test_files_are_what_python_would_have_made(done: Path, name: str) -> None:
    data = json.loads((VECTORS / "ciphers.json").read_text())["pictures"]["noise"]
    shape = (data["height"], data["width"], 3)
    photo = np.frombuffer(base64.b64decode(data["pixels"]), np.uint8).reshape(shape)[:-5, :-3]
    key = Key.parse(json.loads((VECTORS / "keys.json").read_text())["valid"][1]["text"])
    image = veilseg.EncryptedImage.open(done / f"{name}.png")
    facts = catalog.facts(name)
    cipher = veilseg.cipher(name, 16, 8 if facts.sub_blocks else None)
    expected = cipher.encrypt(photo, key if facts.key == "required" else None)
    assert image.header == expected.header
    if facts.key == "optional":  # its keys were drawn and forgotten: the canonical form is what both share
        canonical = veilseg.ciphers.canonical_cipher(cipher)
        assert (canonical.reduce(image.pixels) == canonical.reduce(expected.pixels)).all()
        assert (image.pixels != expected.pixels).any()
    elif facts.mechanism == "rotation":
        assert abs(image.pixels.astype(int) - expected.pixels.astype(int)).max() <= 1
        assert (image.decrypt(key) == photo).all()
    else:
        assert (image.pixels == expected.pixels).all()


def test_label_maps_are_read(done: Path) -> None:
    assert (done / "labels.bin").read_bytes() == (done / "expected.npy").read_bytes()


def test_the_pages_catalogue_is_current() -> None:
    """If this fails: python -m veilseg.catalog > src/veilseg/server/web/catalog.json"""
    path = ROOT / "src" / "veilseg" / "server" / "web" / "catalog.json"
    assert path.read_text() == catalog.to_json()
