"""The vectors of encrypted images as files: what must be read and decrypted, and what must be refused."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from vectors_headers import fields_of_ciphers, other_texts, values_of_fields
from vectors_parts import (
    END,
    KEYS,
    NONCE,
    b64,
    chunks_of,
    file_of,
    filtered,
    header_of,
    idat,
    ihdr,
    image,
    listed,
    note,
    stored_bytes,
)

from veilseg.catalog import CATALOG
from veilseg.ciphers import cipher_for
from veilseg.ciphers.plain import pad
from veilseg.header import Header
from veilseg.keys import Key
from veilseg.png import SIGNATURE

HEADER = header_of("subblock-sort", 4, 2, 3, 4, False)
PIXELS = image(4, 4)
ROTATED = header_of("patch-rotation", 4, None, 3, 4, True)


#: What zlib makes of so many zeros; written down, because its versions differ.
ZEROS = {
    4 * (1 + 3 * 4): bytes.fromhex("78da6360201d000000340001"),
    33 * (1 + 6 * 33): bytes.fromhex("78daedc13101000000c2a0f54f6d0c1fa0000000000000381819a70001"),
    65 * (1 + 3 * 65): bytes.fromhex("78daedc13101000000c2a0f54f6d0a3fa0000000000000000000000000781b31c40001"),
}


def with_filter(pixels: np.ndarray, number: int) -> bytes:
    """The uncompressed pixels of a PNG with rows filtered, value by value (PNG specification, 9.2)."""
    out = b""
    above = [0] * (3 + 3 * pixels.shape[1])  # three zeros left of the picture
    for values in pixels.reshape(len(pixels), -1).tolist():
        row = [0, 0, 0, *values]
        filtered_row = []
        for i in range(3, len(row)):
            a, b, c = row[i - 3], above[i], above[i - 3]
            nearest = min((a, b, c), key=lambda value: abs(a + b - c - value))
            predicted = (0, a, b, (a + b) // 2, nearest)[number]
            filtered_row.append((row[i] - predicted) % 256)
        out += bytes([number, *filtered_row])
        above = row
    return out


def encrypted(header: Header, key: Key) -> bytes:
    """A file of the picture at the header's size."""
    nonce = None if header.nonce is None else NONCE
    plain = pad(image(header.height, header.width), header.spec.block)
    return file_of(chunks_of(cipher_for(header.spec).encrypt_pixels(plain, key, nonce), header.to_json()))


def readable() -> list[dict[str, Any]]:
    """Files of all ciphers whose stored values are the picture as it is, so that only the file matters."""
    cases = []
    for name, row in CATALOG.items():
        header = header_of(name, 4, 2 if row.sub_blocks else None, 3, 5, row.key == "required")
        pixels = image(*header.padded_size).astype(header.dtype) * (257 if row.bits == 16 else 1)
        cases.append((name, header, file_of(chunks_of(pixels, header.to_json())), pixels))
    keyed = header_of("subblock-shuffle", 4, 2, 4, 4, True)
    first, text, (_, stream), end = chunks_of(PIXELS, HEADER.to_json())
    parts = [(b"IDAT", b""), (b"IDAT", stream[:9]), (b"IDAT", b""), (b"IDAT", stream[9:]), (b"IDAT", b"")]
    others = {
        "a nonce": (keyed, file_of(chunks_of(PIXELS, keyed.to_json()))),
        "pixels in parts, empty ones too": (HEADER, file_of([first, text, *parts, end])),
    }
    cases += [(name, header, file, PIXELS) for name, (header, file) in others.items()]
    black = file_of([first, text, (b"IDAT", ZEROS[52]), end])
    cases.append(("compressed pixels", HEADER, black, np.zeros_like(PIXELS)))
    for number in range(5):
        file = file_of([first, text, idat(with_filter(PIXELS, number)), end])
        cases.append((f"row filter {number}", HEADER, file, PIXELS))
    return [
        {"name": name, "header": header.to_json(), "file": b64(file), "stored": b64(stored_bytes(pixels))}
        for name, header, file, pixels in cases
    ]


def broken_chunks() -> dict[str, bytes]:
    """{why: file} of PNGs that are cut, or have other chunks than an encrypted image."""
    good = chunks_of(PIXELS, HEADER.to_json())
    first, text, data, end = good
    whole = file_of(good)
    ends = [len(file_of(good[:count])) for count in range(1, 5)]
    half = len(data[1]) // 2
    pieces = [(b"IDAT", data[1][:half]), (b"IDAT", data[1][half:])]
    bad = {
        "empty": b"",
        "not a PNG": b"\xff\xd8\xff\xe0" + bytes(20),
        "a broken signature": whole[:6] + b"\r\n" + whole[8:],
        "cut in the pixels": whole[: ends[2] - 20],
        "cut in the end": whole[:-1],
        "cut before the end": whole[: ends[2]],
        "only a signature": SIGNATURE,
        "a chunk longer than the file": whole[: ends[1]] + b"\x7f" + whole[ends[1] + 1 :],
        "data after the end": whole + b"\0",
        "a second end": file_of([*good, end]),
        "data in the end": file_of([first, text, data, (b"IEND", b"\0")]),
        "no size": file_of([text, data, end]),
        "the header before the size": file_of([text, first, data, end]),
        "a second size": file_of([first, first, text, data, end]),
        "no header": file_of([first, data, end]),
        "a header with another keyword": file_of([first, note(HEADER.to_json(), b"veilsug"), data, end]),
        "a header with a keyword in capitals": file_of([first, note(HEADER.to_json(), b"Veilseg"), data, end]),
        "a second header": file_of([first, text, text, data, end]),
        "a second text": file_of([first, text, note("taken at home", b"Comment"), data, end]),
        "the header behind the pixels": file_of([first, data, text, end]),
        "the header between the pixels": file_of([first, pieces[0], text, pieces[1], end]),
        "no pixels": file_of([first, text, end]),
        "only empty pixels": file_of([first, text, (b"IDAT", b""), end]),
        "pixels in the wrong order": file_of([first, text, *pieces[::-1], end]),
        "a chunk between the pixels": file_of([first, text, pieces[0], (b"tIME", bytes(7)), pieces[1], end]),
    }
    for at, name in zip(ends, ("IHDR", "tEXt", "IDAT", "IEND"), strict=True):
        bad[f"a wrong checksum: {name}"] = whole[: at - 1] + bytes([whole[at - 1] ^ 1]) + whole[at:]
    for kind in (b"PLTE", b"gAMA", b"eXIf", b"iTXt", b"zTXt", b"acTL", b"veIl"):
        bad[f"a foreign chunk: {kind.decode()}"] = file_of([first, (kind, b"veilseg\0\0"), text, data, end])
    return bad


def wrong_sizes() -> dict[str, bytes]:
    """{why: file} with another IHDR than the header and the cipher ask for; the pixels are those of this IHDR."""
    text, wide = note(HEADER.to_json()), image(4, 4).astype("u2")
    sizes = {
        "a width that is not the header's": (ihdr(8, 4), filtered(image(4, 8))),
        "a height that is not the header's": (ihdr(4, 8), filtered(image(8, 4))),
        "the true size in place of the padded one": (ihdr(4, 3), filtered(image(3, 4))),
        "no width": (ihdr(0, 4), bytes(4)),
        "no height": (ihdr(4, 0), b""),
        "too many pixels": (ihdr(10_001, 10_000), filtered(PIXELS)),
        "a size of 12 bytes": ((b"IHDR", ihdr(4, 4)[1][:12]), filtered(PIXELS)),
        "a size of 14 bytes": ((b"IHDR", ihdr(4, 4)[1] + b"\0"), filtered(PIXELS)),
        "4 bits": (ihdr(4, 4, depth=4), bytes(4 * (1 + 6))),
        "16 bits where 8 are due": (ihdr(4, 4, depth=16), filtered(wide)),
        "grey": (ihdr(4, 4, colour=0), bytes(4 * (1 + 4))),
        "a palette": (ihdr(4, 4, colour=3), bytes(4 * (1 + 4))),
        "an alpha channel": (ihdr(4, 4, colour=6), bytes(4 * (1 + 16))),
        "compression 1": (ihdr(4, 4, rest=(1, 0, 0)), filtered(PIXELS)),
        "filter method 1": (ihdr(4, 4, rest=(0, 1, 0)), filtered(PIXELS)),
        "interlacing": (ihdr(4, 4, rest=(0, 0, 1)), filtered(PIXELS)),
    }
    bad = {why: file_of([first, text, idat(raw), END]) for why, (first, raw) in sizes.items()}
    bad["8 bits where 16 are due"] = file_of([ihdr(4, 4), note(ROTATED.to_json()), idat(filtered(PIXELS)), END])
    return bad


def wrong_blocks() -> dict[str, bytes]:
    """{why: file} with a block that the cipher does not have, and pixels of just this size."""
    cases = (("patch-rotation", 33, 16), ("patch-permutation", 65, 8))
    bad = {}
    for name, block, bits in cases:
        text = header_of(name, 4, None, 4, 4, True).to_json().replace('"block":4', f'"block":{block}')
        stream = ZEROS[block * (1 + 3 * block * bits // 8)]
        chunks = [ihdr(block, block, bits), note(text), (b"IDAT", stream), END]
        bad[f"header: {name} of block {block}"] = file_of(chunks)
    text = HEADER.to_json().replace('"block":4', '"block":3')
    bad["header: a sub-block of 2 in a block of 3"] = file_of(chunks_of(image(3, 6), text))
    return bad


def broken_pixels() -> dict[str, bytes]:
    """{why: file} whose compressed pixels are not exactly the image."""
    first, text, (_, stream), end = chunks_of(PIXELS, HEADER.to_json())
    raw = filtered(PIXELS)
    preset, bare = zlib.compressobj(0, zdict=raw), zlib.compressobj(0, wbits=-15)
    streams = {
        "a pixel byte missing": zlib.compress(raw[:-1], 0),
        "a row missing": zlib.compress(raw[:-13], 0),
        "a pixel byte too many": zlib.compress(raw + b"\0", 0),
        "a row too many": zlib.compress(raw + bytes(13), 0),
        "pixels that do not inflate": b"\x78\x9c\xff\xff",
        "a stream that is cut": stream[:-5],
        "a stream without its checksum": stream[:-4],
        "a stream with a wrong checksum": stream[:-1] + bytes([stream[-1] ^ 1]),
        "a stream without zlib's header": bare.compress(raw) + bare.flush(),
        "a preset dictionary": preset.compress(raw) + preset.flush(),
        "data after the pixels": stream + b"\0",
        "a second stream": stream + stream,
        "a row filter 5": zlib.compress(filtered(PIXELS[:3]) + filtered(PIXELS[3:], 5), 0),
    }
    bad = {why: file_of([first, text, (b"IDAT", body), end]) for why, body in streams.items()}
    bad["data after the pixels in a part of its own"] = file_of([first, text, (b"IDAT", stream), (b"IDAT", b"\0"), end])
    pixels = image(4, 4).astype("u2")
    first, text, *_ = chunks_of(pixels, ROTATED.to_json())
    for number in range(1, 5):
        rows = filtered(pixels[:3]) + filtered(pixels[3:], number)
        bad[f"a row filter {number} with 16 bits"] = file_of([first, text, idat(rows), END])
    return bad


def container() -> dict[str, Any]:
    """Files to be read, to be decrypted, and to be refused, with the reason."""
    texts = {**fields_of_ciphers(), **values_of_fields(), **other_texts()}
    wide = {f'"cipher":"{name}"' for name, row in CATALOG.items() if row.bits == 16}
    headers = {}
    for why, text in texts.items():
        pixels = PIXELS.astype("u2") if any(cipher in text for cipher in wide) else PIXELS
        headers[f"header: {why}"] = file_of(chunks_of(pixels, text))
    files = {**broken_chunks(), **wrong_sizes(), **broken_pixels(), **wrong_blocks(), **headers}
    return {"valid": readable(), "invalid": listed(files, "file"), **with_keys()}


def with_keys() -> dict[str, Any]:
    """Files with the key that opens them and the plain image; files with a key that does not, or that none opens."""
    decrypted, wrong = [], []
    for name, row in CATALOG.items():
        if row.key == "none":
            continue
        header = header_of(name, 4, 2 if row.sub_blocks else None, 3, 5, True)
        # A stored value of the rotation may be a step off elsewhere.
        own = {"file": b64(encrypted(header, KEYS[1])), **({"tolerance": 1} if row.mechanism == "rotation" else {})}
        plain = b64(image(header.height, header.width).tobytes())
        decrypted.append({"name": name, "key": str(KEYS[1]), "plain": plain, **own})
        wrong.append({"why": f"another key: {name}", "key": str(KEYS[2]), **own})
    for why, name in (("keys were thrown away", "subblock-shuffle"), ("no key exists", "subblock-sort")):
        file = file_of(chunks_of(PIXELS, header_of(name, 4, 2, 3, 4, False).to_json()))
        wrong.append({"why": why, "key": str(KEYS[1]), "file": b64(file)})
    return {"decrypted": decrypted, "wrong_key": wrong}
