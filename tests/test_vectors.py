"""The vectors of spec/vectors: what this code does is what the specification says, refusals included."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veilseg.catalog import CATALOG, of_family
from veilseg.ciphers import EncryptedImage, cipher
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.ciphers.patch.matrix_file import matrix_bytes, parse_matrix
from veilseg.ciphers.plain import pad
from veilseg.ciphers.subblock.shuffle import shuffle_pixels
from veilseg.container import decode_header
from veilseg.errors import InvalidImageError, InvalidKeyError, VeilsegError
from veilseg.header import FIELDS, VERSION
from veilseg.keys import Key

ROOT = Path(__file__).parents[1]


def vectors(name: str) -> Any:
    return json.loads((ROOT / "spec" / "vectors" / f"{name}.json").read_text())


def picture(height: int, width: int) -> np.ndarray:
    state, values = 1, []
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.array(values, np.uint8).reshape(height, width, 3)


def test_the_files_are_what_the_script_makes() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "vectors.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_keys() -> None:
    data = vectors("keys")
    for case in data["valid"]:
        key = Key(bytes.fromhex(case["secret"]))
        assert (str(key), key.fingerprint) == (case["text"], case["fingerprint"])
        assert Key.parse(case["text"]) == key
    for case in data["also_valid"]:
        assert Key.parse(case["text"]) == Key(bytes.fromhex(case["secret"]))
    assert len(data["invalid"]) >= 18
    for case in data["invalid"]:
        with pytest.raises(InvalidKeyError):
            Key.parse(case["text"])


def test_key_files(tmp_path: Path) -> None:
    data, path = vectors("keys"), tmp_path / "my.key"
    path.touch(mode=0o600)
    for case in data["files"]:
        path.write_bytes(case["text"].encode())
        assert Key.load(path) == Key(bytes.fromhex(case["secret"])), case["why"]
    for case in data["invalid_files"]:
        path.write_bytes(case["text"].encode())
        with pytest.raises(InvalidKeyError):
            Key.load(path)


def test_derivation() -> None:
    for case in vectors("derivation")["subkeys"]:
        key = Key(bytes.fromhex(case["secret"]))
        assert key.derive(case["purpose"], bytes.fromhex(case["nonce"])).hex() == case["subkey"]


def test_keystream() -> None:
    data = vectors("keystream")
    for case in data["words"]:
        assert Keystream(bytes.fromhex(case["subkey"])).words(case["stream"], 9).tolist() == case["words"]
    for case in data["draws"]:
        keystream = Keystream(bytes.fromhex(case["subkey"]))
        assert keystream.draw(case["stream"], np.array(case["bounds"], np.uint32)).tolist() == case["draws"]
    for case in data["permutations"]:
        assert (
            cipher("patch-permutation", case["block"]).block_order(Key.parse(case["key"])).tolist()
            == case["permutation"]
        )


def stored(pixels: np.ndarray, case: dict[str, Any]) -> np.ndarray:
    """What the code stores for a case of ciphers.json."""
    block, sub_block = case["block"], case.get("sub_block")
    if "subkey" in case:  # of subblock-shuffle, where no key gives it
        return shuffle_pixels(pixels, bytes.fromhex(case["subkey"]), block, case["sub_block"])
    key = Key.parse(case["key"]) if "key" in case else None
    return cipher(case["cipher"], block, sub_block).encrypt_pixels(pixels, key, bytes.fromhex(case.get("nonce", "")))


@pytest.mark.parametrize("numba", [True, False])
def test_ciphers(numba: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSEG_NO_NUMBA", "" if numba else "1")
    data = vectors("ciphers")
    conventional = set(of_family("conventional"))
    assert {case["cipher"] for case in data["cases"]} == set(CATALOG) - conventional
    assert {case["cipher"] for case in data["conventional"]} == conventional
    for case in data["cases"] + data["conventional"]:
        given = data["pictures"][case["picture"]]
        shape = (given["height"], given["width"], 3)
        out = stored(np.frombuffer(base64.b64decode(given["pixels"]), np.uint8).reshape(shape), case)
        kind = ">u2" if out.dtype == np.uint16 else np.uint8
        expected = np.frombuffer(base64.b64decode(case["stored"]), kind).reshape(shape).astype(int)
        assert abs(out.astype(int) - expected).max() <= case.get("tolerance", 0), case["cipher"]


def test_padding() -> None:
    for case in vectors("ciphers")["padding"]:
        padded = pad(picture(case["height"], case["width"]), case["block"])
        assert padded.tobytes() == base64.b64decode(case["padded"])


def test_files_that_are_read() -> None:
    cases = vectors("container")["valid"]
    assert {case["name"] for case in cases} >= set(CATALOG)
    for case in cases:
        image = EncryptedImage.from_bytes(base64.b64decode(case["file"]))
        assert image.header.to_json() == case["header"]
        kind = ">u2" if image.pixels.dtype == np.uint16 else np.uint8
        assert image.pixels.astype(kind).tobytes() == base64.b64decode(case["stored"]), case["name"]


def invalid() -> list[Any]:
    return [pytest.param(base64.b64decode(case["file"]), id=case["why"]) for case in vectors("container")["invalid"]]


@pytest.mark.parametrize("file", invalid())
def test_files_that_are_refused(file: bytes) -> None:
    with pytest.raises(InvalidImageError):
        EncryptedImage.from_bytes(file)


def test_headers_are_refused_without_a_look_at_the_pixels() -> None:
    for case in vectors("container")["invalid"]:
        if case["why"].startswith("header: "):
            with pytest.raises(InvalidImageError, match=r"header|image is too large"):
                decode_header(base64.b64decode(case["file"]))


def test_files_and_keys() -> None:
    data = vectors("container")
    assert {case["name"] for case in data["decrypted"]} == {name for name, row in CATALOG.items() if row.key != "none"}
    for case in data["decrypted"]:
        plain = EncryptedImage.from_bytes(base64.b64decode(case["file"])).decrypt(Key.parse(case["key"]))
        assert plain.tobytes() == base64.b64decode(case["plain"])
    for case in data["wrong_key"]:
        with pytest.raises(VeilsegError):
            EncryptedImage.from_bytes(base64.b64decode(case["file"])).decrypt(Key.parse(case["key"]))


def rows_of(document: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with `first`, back-quotes removed."""
    table = document[document.index(f"| {first} |") :].partition("\n\n")[0]
    return [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]


def test_the_tables_of_the_document_are_the_catalogue() -> None:
    document = (ROOT / "spec" / f"veil-{VERSION}.md").read_text()
    head, _, *rows = rows_of(document, "cipher")
    assert head[1:] == ["sub_block", "nonce", "key_fingerprint", "bits", "largest block"]
    wanted = [
        [name, *row.header_fields.values(), str(row.bits), str(row.largest_block)] for name, row in CATALOG.items()
    ]
    assert rows == wanted
    fields = [name.strip(" `") for row in rows_of(document, "field")[2:] for name in row[0].split(",")]
    assert fields == list(FIELDS)
    for name in CATALOG:
        assert re.search(rf"^(###.*\b|\*\*){name}\b", document, re.MULTILINE), f"{name} is described"


def test_matrices() -> None:
    data = vectors("matrix")
    for case in data["drawn"]:
        drawn = EncryptionMatrix.drawn(Key.parse(case["key"]), case["block"])
        assert np.allclose(drawn.matrix, case["matrix"], rtol=1e-9)
    given = data["given"]
    content = base64.b64decode(given["file"])
    matrix = parse_matrix(content)
    assert np.array_equal(matrix.matrix, given["matrix"])
    assert matrix_bytes(EncryptionMatrix(np.array(given["matrix"]))) == content
    assert matrix.fingerprint == given["fingerprint"]
    pixels = np.array(given["pixels"], np.uint8)
    assert np.allclose(matrix.encrypt(pixels), given["encrypted"], rtol=1e-6)
    assert np.array_equal(matrix.decrypt(matrix.encrypt(pixels)), pixels)
    assert len(data["invalid"]) >= 8
    for case in data["invalid"]:
        with pytest.raises(InvalidKeyError):
            parse_matrix(base64.b64decode(case["file"]))
