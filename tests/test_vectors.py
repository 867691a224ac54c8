"""The vectors of spec/vectors: what this code does is what the specification says, failures included."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from veilseg.modelspec import TRAINED_CIPHERS

from veilseg import ciphers
from veilseg.ciphers import EncryptedImage
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.patch.permutation import permute_pixels
from veilseg.ciphers.patch.rotation import rotate_pixels
from veilseg.ciphers.plain import pad
from veilseg.errors import InvalidImageError, InvalidKeyError
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
    assert len(data["invalid"]) >= 10
    for case in data["invalid"]:
        with pytest.raises(InvalidKeyError):
            Key.parse(case["text"])


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
        assert ciphers.permutation(Key.parse(case["key"]), case["block"]).tolist() == case["permutation"]


def stored(pixels: np.ndarray, case: dict[str, Any]) -> np.ndarray:
    """What the code stores for a case of ciphers.json."""
    block, options = case["block"], {name: case[name] for name in ("channels", "shuffle") if name in case}
    key = Key.parse(case["key"]) if "key" in case else None
    match case["cipher"]:
        case "subblock-sort":
            return ciphers.canonicalize(pixels, block, case["sub_block"], **options)
        case "subblock-shuffle":
            known = bytes.fromhex(case.get("subkey", ""))
            subkey = known or key.derive("subblock-shuffle", bytes.fromhex(case["nonce"]))
            return ciphers.shuffle_pixels(pixels, subkey, block, case["sub_block"], **options)
        case "subblock-quartiles":
            return ciphers.quartiles(pixels, case["sub_block"])
        case "mosaic":
            return ciphers.mosaic(pixels, case["sub_block"])
        case "patch-permutation":
            return permute_pixels(pixels, ciphers.permutation(key, block), block)
        case "patch-rotation":
            return rotate_pixels(pixels, ciphers.rotation(key, block), block)
    raise AssertionError(case["cipher"])


@pytest.mark.parametrize("numba", [True, False])
def test_ciphers(numba: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSEG_NO_NUMBA", "" if numba else "1")
    data = vectors("ciphers")
    # The conventional ones are for comparison in Python alone; the specification says so.
    assert {case["cipher"] for case in data["cases"]} == set(ciphers.CIPHERS) - set(TRAINED_CIPHERS)
    for case in data["cases"]:
        given = data["pictures"][case["picture"]]
        shape = (given["height"], given["width"], 3)
        out = stored(np.frombuffer(base64.b64decode(given["pixels"]), np.uint8).reshape(shape), case)
        kind = ">u2" if out.dtype == np.uint16 else np.uint8
        expected = np.frombuffer(base64.b64decode(case["stored"]), kind).reshape(shape).astype(int)
        assert abs(out.astype(int) - expected).max() <= case.get("tolerance", 0), case["cipher"]
    for case in data["padding"]:
        padded = pad(picture(case["height"], case["width"]), case["block"])
        assert padded.tobytes() == base64.b64decode(case["padded"])


def test_containers() -> None:
    data = vectors("container")
    for case in data["valid"]:
        image = EncryptedImage.from_bytes(base64.b64decode(case["file"]))
        assert image.header.to_json() == case["header"]
        kind = ">u2" if image.pixels.dtype == np.uint16 else np.uint8
        assert image.pixels.astype(kind).tobytes() == base64.b64decode(case["stored"])
    assert len(data["invalid"]) >= 20
    for case in data["invalid"]:
        with pytest.raises(InvalidImageError):
            EncryptedImage.from_bytes(base64.b64decode(case["file"]))
    for case in data["wrong_key"]:
        with pytest.raises(InvalidKeyError):
            EncryptedImage.from_bytes(base64.b64decode(case["file"])).decrypt(Key.parse(case["key"]))
