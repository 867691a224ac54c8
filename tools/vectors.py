"""Make the test vectors of spec/vectors, or check that they are what this code makes: `tools/vectors.py --check`.

The same files are read by the Python tests and by the tests of the web client, so that both follow one specification.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from vectors_container import container
from vectors_keys import derivation, keys
from vectors_matrix import matrix
from vectors_parts import KEYS, NONCE, SECRETS, b64, few_values, image, stored_bytes

from veilseg.catalog import of_family
from veilseg.ciphers import cipher
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.plain import pad
from veilseg.ciphers.subblock.mosaic import mosaic
from veilseg.ciphers.subblock.quartiles import quartiles
from veilseg.ciphers.subblock.shuffle import block_bounds, shuffle_pixels
from veilseg.ciphers.subblock.sort import canonicalize
from veilseg.container import decode

FOLDER = Path(__file__).parents[1] / "spec" / "vectors"


def _rejecting() -> tuple[bytes, int, list[int]]:
    """A subkey, a stream and bounds where a word has to be dropped; large bounds make it likely."""
    subkey, bounds = SECRETS[1], [3_000_000_000, 5, 2**31 + 1]
    for stream in range(1000):
        words = Keystream(subkey).words(stream, len(bounds)).astype(np.uint64)
        wide = np.array(bounds, np.uint64)
        if ((words * wide & np.uint64(0xFFFFFFFF)) < np.uint64(2**32) % wide)[0]:
            return subkey, stream, bounds
    raise AssertionError("no stream drops its first word")


def keystream() -> dict[str, Any]:
    """Words of streams, and draws below bounds, also where a word has to be dropped."""
    subkey, stream, bounds = _rejecting()
    draws = [(SECRETS[1], 0, [64, 63, 3, 2]), (SECRETS[2], 2**40, [7] * 12), (subkey, stream, bounds)]
    return {
        "words": [
            {"subkey": key.hex(), "stream": index, "words": Keystream(key).words(index, 9).tolist()}
            for key in SECRETS
            for index in (0, 1, 2**32 + 5)
        ],
        "draws": [
            {
                "subkey": key.hex(),
                "stream": index,
                "bounds": below,
                "draws": Keystream(key).draw(index, np.array(below, np.uint32)).tolist(),
            }
            for key, index, below in draws
        ],
        "permutations": [
            {
                "key": str(key),
                "block": block,
                "permutation": cipher("patch-permutation", block).block_order(key).tolist(),
            }
            for key, block in ((KEYS[1], 2), (KEYS[2], 4))
        ],
    }


def _dropping(rows: int, blocks: int, block: int, sub_block: int) -> bytes:
    """A subkey under which subblock-shuffle has to drop a word; found by trying, it is rare."""
    first, second, _ = block_bounds(block, sub_block)
    bounds = np.tile(first * second, blocks)
    for number in range(10_000):
        keystream = Keystream(number.to_bytes(32, "big"))
        for row in range(rows):
            if (keystream.accepted(row, bounds) != keystream.words(row, len(bounds))).any():
                return number.to_bytes(32, "big")
    raise AssertionError("no subkey drops a word")


def pixel_ciphers() -> dict[str, Any]:
    """Stored pixels of every cipher; the pictures come from the generator that the specification describes."""
    pictures = {"noise": image(32, 48), "ties": few_values(32, 32)}
    cases: list[dict[str, Any]] = []

    def add(name: str, picture: str, out: np.ndarray, **parameters: Any) -> None:
        cases.append({"cipher": name, "picture": picture, **parameters, "stored": b64(stored_bytes(out))})

    for picture, pixels in pictures.items():
        for block, sub_block in ((16, 8), (8, 4)):
            add("subblock-sort", picture, canonicalize(pixels, sub_block), block=block, sub_block=sub_block)
    subkey = SECRETS[2]
    shuffled = shuffle_pixels(pictures["noise"], subkey, 16, 8)
    add("subblock-shuffle", "noise", shuffled, block=16, sub_block=8, subkey=subkey.hex())
    with_key = shuffle_pixels(pictures["noise"], KEYS[1].derive("subblock-shuffle", NONCE), 16, 4)
    key = {"key": str(KEYS[1])}
    add("subblock-shuffle", "noise", with_key, block=16, sub_block=4, **key, nonce=NONCE.hex())
    dropping = _dropping(2, 3, 16, 16)
    shuffled = shuffle_pixels(pictures["noise"], dropping, 16, 16)
    add("subblock-shuffle", "noise", shuffled, block=16, sub_block=16, subkey=dropping.hex())
    for picture, pixels in pictures.items():
        for s in (2, 4, 16):
            add("subblock-quartiles", picture, quartiles(pixels, s), block=16, sub_block=s)
        add("mosaic", picture, mosaic(pixels, 8), block=16, sub_block=8)
        for block in (4, 16):
            permuted = cipher("patch-permutation", block).encrypt_pixels(pixels, KEYS[1], None)
            add("patch-permutation", picture, permuted, block=block, **key)
    turned = cipher("patch-rotation", 4).encrypt_pixels(pictures["noise"], KEYS[1], None)
    add("patch-rotation", "noise", turned, block=4, **key, tolerance=1)
    conventional = [
        {
            "cipher": name,
            "picture": "noise",
            "block": block,
            **key,
            "stored": b64(stored_bytes(cipher(name, block).encrypt_pixels(pictures["noise"], KEYS[1], None))),
        }
        for name, block in product(of_family("conventional"), (4, 16))
    ]
    sizes = {
        name: {"height": p.shape[0], "width": p.shape[1], "pixels": b64(p.tobytes())} for name, p in pictures.items()
    }
    padding = [
        {
            "height": h,
            "width": w,
            "block": 16,
            "padded": b64(pad(image(h, w), 16).tobytes()),
        }
        for h, w in ((1, 1), (5, 17), (16, 30), (3, 40))
    ]
    return {"pictures": sizes, "cases": cases, "conventional": conventional, "padding": padding}


VECTORS = {
    "keys": keys,
    "derivation": derivation,
    "keystream": keystream,
    "ciphers": pixel_ciphers,
    "container": container,
    "matrix": matrix,
}


def _stored(case: dict[str, Any]) -> np.ndarray:
    """The 16-bit values of a case, given as they are or as a file."""
    if "stored" in case:
        return np.frombuffer(base64.b64decode(case["stored"]), ">u2").astype(int)
    return decode(base64.b64decode(case["file"]))[0].astype(int)


def same(old: Any, new: Any) -> bool:
    """Whether two vectors are equal; stored values of a cipher with a tolerance may differ by that many steps.

    Real numbers may differ in their last bits, as the logarithms of two machines do.
    """
    if isinstance(new, float) and isinstance(old, float):
        return math.isclose(old, new, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(new, dict) and isinstance(old, dict) and "tolerance" in new:
        first, second = _stored(old), _stored(new)
        close = first.shape == second.shape and int(abs(first - second).max()) <= new["tolerance"]
        changing = {"stored", "file"}
        return close and all(old.get(name) == new.get(name) for name in old.keys() | new.keys() if name not in changing)
    if isinstance(new, dict) and isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[name], new[name]) for name in new)
    if isinstance(new, list) and isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    differ = 0
    for name, make in VECTORS.items():
        path, text = FOLDER / f"{name}.json", json.dumps(make(), indent=1) + "\n"
        if not check:
            path.write_text(text)
        elif not path.is_file() or not same(json.loads(path.read_text()), json.loads(text)):
            differ += 1
            print(f"{path.name} is not what this code makes", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
