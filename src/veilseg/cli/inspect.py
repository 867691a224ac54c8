"""`veilseg inspect`: what an encrypted image says about itself, and what it gives away."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veilseg.cells import describe_cells
from veilseg.cli.common import print_table

if TYPE_CHECKING:
    from veilseg.header import Header


def command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An encrypted image; - reads stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the public header of an encrypted image and say what the file gives away.

    Example:
      veilseg inspect encrypted.png
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
    """The header's fields that are set, the file's size in bytes, and what the catalogue says of the cipher."""
    facts, fingerprint = header.spec.facts, header.key_fingerprint
    cells = describe_cells(header.spec, header.height, header.width)
    return {
        **header.to_dict(),
        "bytes": size,
        "family": facts.family,
        "key": facts.key,
        "decrypts": f"with the key of fingerprint {fingerprint}" if fingerprint else "nobody: no key exists",
        **({} if cells is None else {"cells": cells}),
        "gives_away": header.spec.visible,
    }


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
