"""`veilseg keygen`: make a key, or show a key's fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force
from veilseg.cli.messages import note
from veilseg.errors import UsageError


def command(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the key here, readable by you alone; - for stdout."),
    ] = None,
    fingerprint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Make nothing; print the fingerprint of the key in FILE.")
    ] = None,
    force: Force = False,
) -> None:
    """Make a new 256-bit key and print it, or write it to a file with mode 0600.

    Its fingerprint (on stderr) names the key without giving it away, and is safe to publish.

    Where a cipher can do without a key, the key is the way back, for you alone. Where it encrypts a model
    (`veilseg encrypt-model`) it does not hide pictures from whoever has a pair, a few encrypted images or the model's
    public weights (`veilseg audit` shows it).

    Examples:
      veilseg keygen -o my.key
      veilseg keygen --fingerprint my.key
    """
    from veilseg.keys import Key

    if fingerprint is not None:
        if output is not None:
            raise UsageError("-o and --fingerprint exclude each other", "make a key first, then show its fingerprint")
        print(Key.load(fingerprint).fingerprint)
        return
    key = Key.generate()
    if output is None or str(output) == "-":
        print(key)
    else:
        key.save(output, overwrite=force)
    note(f"fingerprint: {key.fingerprint}")
