"""Make the test vectors of spec/vectors, or check that they are what this code makes: `tools/vectors.py --check`.

The same files are read by the Python tests and by the tests of the web client, so that both follow one specification.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from veilseg import ciphers, png
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.permutation import permute_pixels
from veilseg.ciphers.rotation import rotate_pixels
from veilseg.container import KEYWORD, Header
from veilseg.keys import PREFIX, Key

FOLDER = Path(__file__).parents[1] / "spec" / "vectors"
SECRETS = [bytes(32), bytes(range(32)), bytes(255 - i for i in range(32))]
KEYS = [Key(secret) for secret in SECRETS]
NONCE = bytes(range(16))
_B32 = "abcdefghijklmnopqrstuvwxyz234567"


def b64(data: bytes) -> str:
    """Base64, as all bytes in the vectors are."""
    return base64.b64encode(data).decode()


def image(height: int, width: int, seed: int = 1) -> np.ndarray:
    """A picture uint8 [H, W, 3] that every language can make: a linear congruential generator, high byte."""
    state, values = seed, bytearray()
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, 3)


def few_values(height: int, width: int) -> np.ndarray:
    """A picture with many ties, so that the canonical order has to break them."""
    return image(height, width, 7) % 2 * 200


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
    for picture, pixels in pictures.items():
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
            "padded": b64(ciphers.cipher("mosaic", sub_block=1).encrypt(image(h, w)).pixels.tobytes()),
        }
        for h, w in ((1, 1), (5, 17), (16, 30), (3, 40))
    ]
    return {"pictures": sizes, "cases": cases, "padding": padding}


def stored_png(
    pixels: np.ndarray, text: str, *, body: bytes | None = None, extra: bytes = b"", keyword: str = KEYWORD
) -> bytes:
    """An encrypted image without compression and filters: the one form that every implementation can make alike."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").view(np.uint8) if pixels.dtype == np.uint16 else pixels
    raw = b"".join(b"\0" + row.tobytes() for row in rows.reshape(height, -1))
    idat = zlib.compress(raw, 0) if body is None else body
    note = png.build_chunk(b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1"))
    return b"".join(
        (
            png.SIGNATURE,
            png._ihdr(width, height, pixels.itemsize * 8),
            extra,
            note,
            png.build_chunk(b"IDAT", idat),
            png.build_chunk(b"IEND", b""),
        )
    )


def container() -> dict[str, Any]:
    """Files that must be read, and files that must be refused, with the reason."""
    sort = Header(
        cipher="subblock-sort", block=8, sub_block=4, height=7, width=10, channels="sub-block", shuffle="channel"
    )
    fingerprint = KEYS[1].fingerprint
    locked = Header(cipher="patch-permutation", block=4, height=4, width=8, key_fingerprint=fingerprint)
    rotated = Header(cipher="patch-rotation", block=4, height=4, width=4, key_fingerprint=fingerprint)
    shuffled = Header(
        cipher="subblock-shuffle", block=8, sub_block=8, height=8, width=8, channels="none", shuffle="shared",
        nonce=NONCE.hex(), key_fingerprint=fingerprint,
    )  # fmt: skip
    headers = {"sorted": sort, "locked": locked, "rotated": rotated, "shuffled": shuffled}
    valid = []
    for name, header in headers.items():
        height, width = header.padded_size
        pixels = image(height, width)
        if header.dtype == np.uint16:
            pixels = pixels.astype(np.uint16) * 257
        kind = pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels
        file = stored_png(pixels, header.to_json())
        valid.append({"name": name, "header": header.to_json(), "file": b64(file), "stored": b64(kind.tobytes())})
    pixels, text = image(8, 16), sort.to_json()
    good = stored_png(pixels, text)
    raw = b"".join(b"\0" + row.tobytes() for row in pixels.reshape(8, -1))
    comment = png.build_chunk(b"tEXt", b"Comment\0taken at home")
    invalid = {
        "empty": b"",
        "not a PNG": b"\xff\xd8\xff\xe0" + bytes(20),
        "cut in the pixels": good[:200],
        "cut before the end": good[:-12],
        "a bad checksum": good[:-20] + bytes([good[-20] ^ 1]) + good[-19:],
        "data after the end": good + b"\0",
        "no header": stored_png(pixels, text, keyword="veilsug"),
        "a foreign chunk": stored_png(pixels, text, extra=comment),
        "a bad version": stored_png(pixels, text.replace('"version":1', '"version":2')),
        "a version that is true": stored_png(pixels, text.replace('"version":1', '"version":true')),
        "not JSON": stored_png(pixels, text[:-1]),
        "an unknown field": stored_png(pixels, text[:-1] + ',"note":"x"}'),
        "a repeated field": stored_png(pixels, text[:-1] + ',"height":7}'),
        "a missing field": stored_png(pixels, text.replace('"cipher":"subblock-sort",', "")),
        "a bad size": stored_png(pixels, text.replace('"width":10', '"width":17')),
        "a size of zero": stored_png(pixels, text.replace('"width":10', '"width":0')),
        "a size that is no whole number": stored_png(pixels, text.replace('"width":10', '"width":10.0')),
        "a sub-block that does not divide": stored_png(pixels, text.replace('"sub_block":4', '"sub_block":3')),
        "a fingerprint in capitals": stored_png(pixels, text[:-1] + ',"key_fingerprint":"ABCDEF0123456789"}'),
        "8 bits where 16 are due": stored_png(image(4, 4), rotated.to_json()),
        "pixels missing": stored_png(pixels, text, body=zlib.compress(raw[:-1], 0)),
        "pixels too many": stored_png(pixels, text, body=zlib.compress(raw + b"\0", 0)),
        "pixels that do not inflate": stored_png(pixels, text, body=b"\x78\x9c\xff\xff"),
        "data after the pixels": stored_png(pixels, text, body=zlib.compress(raw, 0) + b"\0"),
    }
    wrong = KEYS[2]
    return {
        "valid": valid,
        "invalid": [{"why": why, "file": b64(file)} for why, file in invalid.items()],
        "wrong_key": [
            {
                "why": "the fingerprint is another",
                "key": str(wrong),
                "fingerprint": wrong.fingerprint,
                "file": entry["file"],
            }
            for entry in valid
            if entry["name"] in ("locked", "shuffled")
        ],
    }


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
