"""Make the test vectors of spec/vectors, or check that they are what this code makes: `tools/vectors.py --check`.

The same files are read by the Python tests and by the tests of the web client, so that both follow one specification.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from vectors_container import container
from vectors_parts import KEYS, NONCE, SECRETS, b64, few_values, image

from veilseg import ciphers
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.patch.permutation import permute_pixels
from veilseg.ciphers.patch.rotation import rotate_pixels
from veilseg.ciphers.plain import pad
from veilseg.ciphers.subblock.shuffle import block_bounds
from veilseg.keys import PREFIX

FOLDER = Path(__file__).parents[1] / "spec" / "vectors"
_B32 = "abcdefghijklmnopqrstuvwxyz234567"


def keys() -> dict[str, Any]:
    """Text forms with secret and fingerprint, and texts that must be refused."""
    good = str(KEYS[1])
    body = good.removeprefix(PREFIX)
    flipped = PREFIX + _B32[(_B32.index(body[0]) + 1) % 32] + body[1:]
    last = PREFIX + body[:-1] + _B32[_B32.index(body[-1]) ^ 1]
    invalid = {
        "empty": "",
        "other prefix": good.replace("veilseg-key", "veilseg-token"),
        "unknown version": good.replace("-1-", "-2-"),
        "one character too few": good[:-1],
        "one character too many": good + "a",
        "a character that no key has": good[:-5] + "1" + good[-4:],
        "a typing error": flipped,
        "the two last bits are not zero": last,
        "checksum of another key": PREFIX + body[:51] + str(KEYS[2])[-7:],
        "not ASCII": good[:-1] + "\u017f",
    }
    return {
        "valid": [
            {"secret": secret.hex(), "text": str(key), "fingerprint": key.fingerprint}
            for secret, key in zip(SECRETS, KEYS, strict=True)
        ],
        "also_valid": [{"text": f"  {good.upper()}\n", "secret": SECRETS[1].hex()}],
        "invalid": [{"why": why, "text": text} for why, text in invalid.items()],
    }


def derivation() -> dict[str, Any]:
    """Subkeys of purposes and nonces, 32 bytes each."""
    cases = [
        ("fingerprint", b""),
        ("subblock-shuffle", NONCE),
        ("patch-permutation", bytes([0, 0, 0, 16])),
        ("x", b"\0"),
    ]
    return {
        "subkeys": [
            {
                "secret": secret.hex(),
                "purpose": purpose,
                "nonce": nonce.hex(),
                "subkey": key.derive(purpose, nonce).hex(),
            }
            for secret, key in zip(SECRETS, KEYS, strict=True)
            for purpose, nonce in cases
        ]
    }


def _rejecting() -> tuple[bytes, int, list[int]]:
    """A subkey, a stream and bounds where a word has to be dropped; found by trying streams, large bounds make it
    likely.
    """
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
            {"key": str(key), "block": block, "permutation": ciphers.permutation(key, block).tolist()}
            for key, block in ((KEYS[1], 2), (KEYS[2], 4))
        ],
    }


def _dropping(rows: int, blocks: int, block: int, sub_block: int) -> bytes:
    """A subkey under which subblock-shuffle has to drop a word; found by trying, it is rare."""
    first, second, _ = block_bounds(block, sub_block, "sub-block", "channel")
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

    def add(cipher: str, picture: str, out: np.ndarray, **parameters: Any) -> None:
        stored = out.astype(">u2") if out.dtype == np.uint16 else out
        cases.append({"cipher": cipher, "picture": picture, **parameters, "stored": b64(stored.tobytes())})

    for channels in ("sub-block", "block", "none"):
        for shuffle in ("channel", "shared"):
            options = {"channels": channels, "shuffle": shuffle}
            for picture, pixels in pictures.items():
                for block, sub_block in ((16, 8), (8, 4)):
                    sorted_ = ciphers.canonicalize(pixels, block, sub_block, **options)
                    add("subblock-sort", picture, sorted_, block=block, sub_block=sub_block, **options)
            shuffled = ciphers.shuffle_pixels(pictures["noise"], SECRETS[2], 16, 8, **options)
            add("subblock-shuffle", "noise", shuffled, block=16, sub_block=8, **options, subkey=SECRETS[2].hex())
    with_key = ciphers.shuffle_pixels(pictures["noise"], KEYS[1].derive("subblock-shuffle", NONCE), 16, 4)
    more = {"channels": "sub-block", "shuffle": "channel", "key": str(KEYS[1]), "nonce": NONCE.hex()}
    add("subblock-shuffle", "noise", with_key, block=16, sub_block=4, **more)
    options = {"channels": "sub-block", "shuffle": "channel"}
    dropping = _dropping(2, 3, 16, 16)
    shuffled = ciphers.shuffle_pixels(pictures["noise"], dropping, 16, 16)
    add("subblock-shuffle", "noise", shuffled, block=16, sub_block=16, **options, subkey=dropping.hex())
    for picture, pixels in pictures.items():
        for s in (2, 4, 16):
            add("subblock-quartiles", picture, ciphers.quartiles(pixels, s), block=16, sub_block=s)
        add("mosaic", picture, ciphers.mosaic(pixels, 8), block=16, sub_block=8)
        for block in (4, 16):
            order = ciphers.permutation(KEYS[1], block)
            add("patch-permutation", picture, permute_pixels(pixels, order, block), block=block, key=str(KEYS[1]))
    turned = rotate_pixels(pictures["noise"], ciphers.rotation(KEYS[1], 4), 4)
    add("patch-rotation", "noise", turned, block=4, key=str(KEYS[1]), tolerance=1)
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
    return {"pictures": sizes, "cases": cases, "padding": padding}


VECTORS = {
    "keys": keys,
    "derivation": derivation,
    "keystream": keystream,
    "ciphers": pixel_ciphers,
    "container": container,
}


def same(old: Any, new: Any) -> bool:
    """Whether two vectors are equal; stored values of a cipher with a tolerance may differ by that many steps."""
    if isinstance(new, dict) and isinstance(old, dict) and "tolerance" in new:
        values = [np.frombuffer(base64.b64decode(each["stored"]), ">u2").astype(int) for each in (old, new)]
        close = len(values[0]) == len(values[1]) and int(abs(values[0] - values[1]).max()) <= new["tolerance"]
        return close and {**old, "stored": ""} == {**new, "stored": ""}
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
