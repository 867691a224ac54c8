"""Options and small services that several verbs share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg import catalog
from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_LONGER_SIDE, DEFAULT_SUB_BLOCK
from veilseg.errors import InvalidKeyError, UsageError
from veilseg.scale import MAX_LONGER_SIDE, ORIGINAL

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from veilseg.ciphers import Cipher
    from veilseg.keys import Key

KEY_VARIABLE = "VEILSEG_KEY_FILE"


BLOCK_DEFAULT = f"Default: {DEFAULT_BLOCK}; the sub-block where that does not divide {DEFAULT_BLOCK}"
SUB_BLOCK_DEFAULT = f"Default: {DEFAULT_SUB_BLOCK}; the block where {DEFAULT_SUB_BLOCK} does not divide that"
CipherName = Annotated[str, typer.Option("--cipher", metavar="NAME", help=f"{catalog.names()}.")]
BlockSize = Annotated[int | None, typer.Option("--block", metavar="PIXELS", help=f"Side of a block. {BLOCK_DEFAULT}.")]
SubBlockSize = Annotated[
    int | None,
    typer.Option(
        "--sub-block", metavar="PIXELS", help=f"Side of a sub-block; it divides the block. {SUB_BLOCK_DEFAULT}."
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help=f"Key file of `veilseg keygen`. Default: the file that {KEY_VARIABLE} names."
    ),
]
ModelName = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The shipped model's name, or a folder with config.json.")
]
Window = Annotated[
    int | None,
    typer.Option(
        "--window",
        metavar="PIXELS",
        help="Sliding windows of this side. Default: 1024 for images of more than 4 megapixels.",
    ),
]


def parse_longer_side(text: str) -> int:
    """`--longer-side`: a number of pixels, or "original" for photographs that are to keep their size."""
    if text == "original":
        return ORIGINAL
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_LONGER_SIDE):
        hint = f"for example {DEFAULT_LONGER_SIDE}, or original"
        raise UsageError(f"--longer-side takes a number of pixels up to {MAX_LONGER_SIDE}, not {text[:40]!r}", hint)
    return int(text)


LongerSide = Annotated[
    int | None,
    typer.Option(
        "--longer-side",
        metavar="PIXELS",
        parser=parse_longer_side,
        help="Reduce larger photographs to so many pixels, a number or the word original for never.",
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", help="Default: one per core.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures and where they come from.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]


def load_key(path: Path | None) -> Key | None:
    """The key in the file that `key_path` finds, None where it finds none. Raises InvalidKeyError."""
    from veilseg.keys import Key

    chosen = key_path(path)
    return None if chosen is None else Key.load(chosen)


def key_path(path: Path | None) -> Path | None:
    """The key file given, else the one that VEILSEG_KEY_FILE names, else None. InvalidKeyError if it is missing."""
    named = path or os.environ.get(KEY_VARIABLE)
    chosen = Path(named) if named else None
    if chosen is not None and not chosen.exists():
        raise InvalidKeyError(f"the key file {chosen} does not exist", f"make one: veilseg keygen -o {chosen}")
    return chosen


def key_path_for(cipher: Cipher, path: Path | None) -> Path | None:
    """The file of the key to encrypt with: refused where the cipher has none, demanded where it needs one.

    VEILSEG_KEY_FILE counts only where the cipher can use a key, so that setting it does not break keyless ciphers.
    """
    if cipher.key_use == "none":
        if path is not None:
            raise UsageError(f"{cipher.name} has no key", "leave --key out, or choose another --cipher")
        return None
    chosen = key_path(path)
    if chosen is None and cipher.key_use == "required":
        raise UsageError(f"{cipher.name} needs a key", "veilseg keygen -o my.key, then pass --key my.key")
    return chosen


def key_for(cipher: Cipher, path: Path | None) -> Key | None:
    """The key in the file that `key_path_for` finds."""
    return None if key_path_for(cipher, path) is None else load_key(path)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def progress_bar(total: int | None, description: str) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr while the block runs; call what it yields once per step.

    Silent where nobody watches. total: None where it is not known.
    """
    if (total is not None and total < 2) or not sys.stderr.isatty():
        yield lambda: None
        return
    with _bars() as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def training_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr for trainings that come one after another. Silent where nobody watches.

    Call what it yields with a training's name, the steps done and their number.
    """
    if not sys.stderr.isatty():
        yield lambda name, step, steps: None
        return
    tasks: dict[str, TaskID] = {}
    with _bars() as bar:

        def advance(name: str, step: int, steps: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=steps)
            bar.update(tasks[name], completed=step, total=steps, visible=step < steps)

        yield advance


def print_table(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns on stdout; values break by words on narrow terminals."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    Console(highlight=False, markup=False).print(table)
