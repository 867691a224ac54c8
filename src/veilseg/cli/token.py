"""`veilseg token`: make, list and revoke the tokens of a service's clients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.messages import note
from veilseg.errors import UsageError


def command(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="add, list or revoke.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The client's name.")] = None,
    file: Annotated[Path, typer.Option("--file", metavar="FILE", help="The file of `veilseg serve --tokens`.")] = Path(
        "tokens.json"
    ),
) -> None:
    """Manage who may use a service: one token per client. The file holds hashes only; a running service follows it.

    The token is printed once, and cannot be shown again.

    Examples:
      veilseg token add camera-7 > camera-7.token
      veilseg token list
      veilseg token revoke camera-7
    """
    from veilseg.server.tokens import TokenFile

    tokens = TokenFile(file)
    if action not in ("add", "list", "revoke"):
        raise UsageError(f"there is no action {action!r}", "add, list or revoke")
    if (name is None) != (action == "list"):
        raise UsageError("a name is needed for add and revoke, and none for list", f"veilseg token {action} camera-7")
    if action == "add":
        assert name is not None
        print(tokens.add(name))
        note(f"give this token to {name}; it is not shown again")
    elif action == "revoke":
        assert name is not None
        tokens.revoke(name)
        note(f"{name} is refused from now on")
    else:
        for client, entry in sorted(tokens.clients().items()):
            print(f"{client}\t{entry['created']}")
