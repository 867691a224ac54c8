"""`veilseg inspect`: what an encrypted image says about itself, and what it gives away."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veilseg.cli.common import print_table

if TYPE_CHECKING:
    from veilseg.container import Header

#: One honest sentence per cipher. {s} is the side of a sub-block, {names} what becomes of the channels' names.
GIVES_AWAY = {
    "subblock-sort": "Anybody sees a mosaic of {s} x {s} pixels and which values occur in each tile{names}; "
    "where in the tile they were is not in the file.",
    "subblock-shuffle": "Anybody sees a mosaic of {s} x {s} pixels and which values occur in each tile{names}; "
    "where in the tile they were takes the key, if there is one.",
    "mosaic": "Anybody sees a mosaic of {s} x {s} pixels; finer detail is not in the file.",
    "patch-permutation": "Every image under this key moves its values in one and the same way: one known photograph, "
    "or several encrypted ones, let an attacker undo it for all.",
    "patch-rotation": "Every image under this key is turned by one and the same rotation, which keeps the distances "
    "between blocks: about one known photograph lets an attacker undo it for all.",
    "shf": "Every image under this key moves its values in one and the same way: one known photograph, or several "
    "encrypted ones, let an attacker undo it for all.",
    "np": "Every image under this key has the same half of its values inverted: outlines are visible, and one known "
    "photograph lets an attacker undo it for all.",
    "ffx": "Every image under this key has the same half of its values exchanged by one table: outlines are visible, "
    "and a few known photographs let an attacker undo it for all.",
}
UNKNOWN = "This cipher is not known here; the veilseg that wrote the file knows it."
NAMELESS = ", without the channels' names"


def command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An encrypted image; - reads stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the public header of an encrypted image and say in one sentence what the file gives away.

    Example:
      veilseg inspect veiled.png
    """
    from veilseg.container import MAX_BYTES, decode
    from veilseg.files import read_limited

    data = read_limited(sys.stdin.buffer if image == "-" else image, MAX_BYTES)
    _, header = decode(data)
    facts = describe(header, len(data))
    if as_json:
        print(json.dumps(facts))
        return
    print_table((name.replace("_", " "), _text(value)) for name, value in facts.items())


def describe(header: Header, size: int) -> dict[str, Any]:
    """The header's fields that are set, the file's size in bytes, who can decrypt it, and what it gives away."""
    if header.key_fingerprint is not None:
        way_back = f"with the key of fingerprint {header.key_fingerprint}"
    else:
        way_back = "nobody: no key exists"
    sentence = GIVES_AWAY.get(header.cipher, UNKNOWN)
    names = "" if header.channels == "none" else NAMELESS
    return {
        **header.to_dict(),
        "bytes": size,
        "decrypts": way_back,
        "gives_away": sentence.format(s=header.sub_block, names=names),
    }


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
