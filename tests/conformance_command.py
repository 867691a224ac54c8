"""This implementation as a command for spec/conformance.py. The first word is a mistake to make, or "none"."""

from __future__ import annotations

import sys

import numpy as np

from veilseg.ciphers import EncryptedImage
from veilseg.errors import VeilsegError
from veilseg.keys import Key


def output(file: str, key: str | None = None) -> bytes:
    image = EncryptedImage.open(file)
    if key is not None:
        return image.decrypt(Key.load(key)).tobytes()
    pixels = image.pixels.astype(">u2") if image.pixels.dtype == np.uint16 else image.pixels
    return image.header.to_json().encode() + b"\n" + pixels.tobytes()


def main(mistake: str, *arguments: str) -> int:
    if mistake == "crashes":
        raise ValueError("an error of its own")
    if mistake == "refuses all":
        return 3
    try:
        written = output(*arguments)
    except VeilsegError:
        if mistake != "refuses nothing":
            return 3
        written = b""
    sys.stdout.buffer.write(written[:-1] if mistake == "other values" else written)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
