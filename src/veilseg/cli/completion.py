"""Completion of verbs and options in bash, zsh and fish: typer's, over all verbs at once."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

from veilseg.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


def print_script(shell: str, verbs: Mapping[str, tuple[str, str]]) -> None:
    """Print what a shell has to read so that it completes veilseg's words. Raises UsageError for other shells."""
    if shell not in SHELLS:
        raise UsageError(f"there is no completion for {shell[:40]!r}", f"one of {', '.join(SHELLS)}")
    os.environ["_VEILSEG_COMPLETE"] = f"source_{shell}"
    answer(verbs)


def answer(verbs: Mapping[str, tuple[str, str]]) -> None:
    """Print what the variable _VEILSEG_COMPLETE asks for: the script, or the words that may come next."""
    import typer

    app = typer.Typer(rich_markup_mode=None, add_completion=True)
    for verb, (module, short) in verbs.items():
        command = importlib.import_module(module).command
        if isinstance(command, Mapping):
            group = typer.Typer(rich_markup_mode=None)
            for word, function in command.items():
                group.command(word)(function)
            app.add_typer(group, name=verb, short_help=short)
        else:
            app.command(verb, short_help=short)(command)
    app(prog_name="veilseg", standalone_mode=False)
