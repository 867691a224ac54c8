"""The command reference, made from the commands: every verb's text, arguments, options and defaults.

`python tools/command_reference.py` prints it; docs/commands.md gets it while the site is built, so it is never old.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import typer

from veilseg.cli.main import VERBS


def reference() -> str:
    """A table of the verbs, and a section for each, as Markdown."""
    rows = "".join(f"| [`{verb}`](#veilseg-{verb}) | {short} |\n" for verb, (_, short) in VERBS.items())
    parts = [part for verb, (module, _) in VERBS.items() for part in sections(verb, importlib.import_module(module))]
    return f"| verb | what it does |\n|---|---|\n{rows}\n" + "\n".join(parts)


def sections(verb: str, module: Any) -> list[str]:
    """A verb's section; of one that has several commands, what they have in common and a section each."""
    if callable(module.command):
        return [section(verb, module.command)]
    commands = [section(f"{verb} {name}", function, "###") for name, function in module.command.items()]
    return [f"## veilseg {verb}\n\n{escaped(inspect.cleandoc(module.__doc__))}\n", *commands]


def section(verb: str, function: Callable[..., Any], level: str = "##") -> str:
    """One command."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    command = typer.main.get_command(app)
    text, *examples = re.split(
        r"^Examples?:\n", inspect.cleandoc(function.__doc__ or ""), maxsplit=1, flags=re.MULTILINE
    )
    context = command.make_context(f"veilseg {verb}", [], resilient_parsing=True)
    usage = " ".join([f"veilseg {verb}", *command.collect_usage_pieces(context)])
    lines = [f"{level} veilseg {verb}", "", f"`{usage}`", "", escaped(text).strip(), ""]
    if examples:
        lines += ["```sh", textwrap.dedent(examples[0]).rstrip(), "```", ""]
    rows = [row(parameter, context) for parameter in command.params if not getattr(parameter, "hidden", False)]
    lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def row(parameter: Any, context: Any) -> str:
    """One argument or option; its help names the default where there is one."""
    name, meaning = parameter.get_help_record(context)
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
    return f"| `{name}` | {escaped(' '.join(meaning.split()))} |"


def escaped(text: str) -> str:
    """Text of a terminal as Markdown that says the same; what stands between backticks is code in both."""
    plain_and_code = text.split("`")
    plain_and_code[::2] = [re.sub(r"([\\*_<>|\[\]])", r"\\\1", part) for part in plain_and_code[::2]]
    return "`".join(plain_and_code)


if __name__ == "__main__":
    print(reference(), end="")
