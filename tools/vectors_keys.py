"""The vectors of keys: texts and files that must be read or refused, and subkeys."""

from __future__ import annotations

from typing import Any

from vectors_parts import KEYS, NONCE, SECRETS, listed

from veilseg.keys import PREFIX

_B32 = "abcdefghijklmnopqrstuvwxyz234567"


def keys() -> dict[str, Any]:
    """Text forms with secret and fingerprint, and texts that must be refused."""
    good = str(KEYS[1])
    body = good.removeprefix(PREFIX)
    flipped = PREFIX + _B32[(_B32.index(body[0]) + 1) % 32] + body[1:]
    last = PREFIX + body[:-1] + _B32[_B32.index(body[-1]) ^ 1]
    kelvin, nbsp, mark = "\u212a", "\u00a0", "\ufeff"
    invalid = {
        "empty": "",
        "other prefix": good.replace("veilseg-key", "veilseg-token"),
        "unknown version": good.replace("-1-", "-2-"),
        "one character too few": good[:-1],
        "one character too many": good + "a",
        "a character that no key has": good[:-5] + "1" + good[-4:],
        "a space inside": good[:40] + " " + good[40:],
        "a typing error": flipped,
        "the two last bits are not zero": last,
        "checksum of another key": PREFIX + body[:51] + str(KEYS[2])[-7:],
        "not ASCII": good[:-1] + "\u017f",
        "a Kelvin sign, whose lower case is k": good.replace("k", kelvin, 1),
        "a no-break space before it": nbsp + good,
        "a byte order mark before it": mark + good,
        "a form feed behind it": good + "\f",
        "a vertical tab behind it": good + "\v",
        "a NUL behind it": good + "\0",
        "a next line (U+0085) behind it": good + "\u0085",
    }
    also = [f"  {good.upper()}\n", f"\t\r\n{good[:30].upper()}{good[30:]} \t\r\n"]
    files = {
        "a key alone": good,
        "comments and empty lines": f"# mine\n\n \t# yours: {KEYS[2]}\n{good}\n",
        "lines that end with CR and LF": f"# mine\r\n{good.upper()}\r\n\r\n",
    }
    bad_files = {
        "an empty file": "",
        "comments alone": f"# {good}\n",
        "two keys": f"{good}\n{good}\n",
        "a line that ends with CR alone": f"# mine\r{good}\n",
        "a word behind the key": f"{good} mine\n",
        "a byte order mark": f"{mark}{good}\n",
    }
    return {
        "valid": [
            {"secret": secret.hex(), "text": str(key), "fingerprint": key.fingerprint}
            for secret, key in zip(SECRETS, KEYS, strict=True)
        ],
        "also_valid": [{"text": text, "secret": SECRETS[1].hex()} for text in also],
        "invalid": listed(invalid, "text"),
        "files": [{**one, "secret": SECRETS[1].hex()} for one in listed(files, "text")],
        "invalid_files": listed(bad_files, "text"),
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
