"""How to install what is missing here: from the checkout, wheel or address that this installation was made from."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def install_hint(extra: str) -> str:
    """The command that adds an extra of pyproject.toml to this installation, to be pasted into a shell.

    A checkout is named by its folder. An installation knows, by PEP 610, the folder, file or address it was made
    from; only one without such a note came from an index, where the bare name is enough.
    """
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").is_file():
        return f"{_pip()} install -e {shlex.quote(f'{checkout}[{extra}]')}"
    source = _source()
    address = source.get("url", "")
    if not address:
        return f"{_pip()} install {shlex.quote(f'veilseg[{extra}]')}"
    if not address.startswith("file:"):
        control = source.get("vcs_info", {})
        repository = f"{control['vcs']}+{address}@{control['commit_id']}" if control else address
        return f"{_pip()} install {shlex.quote(f'veilseg[{extra}] @ {repository}')}"
    path = Path(unquote(urlsplit(address).path))
    command = f"{_pip()} install {shlex.quote(f'{path}[{extra}]')}"
    return command if path.exists() else f"{command} (it is no longer there: name where {path.name} is now)"


def _pip() -> str:
    """`pip` where that is this Python's, else this Python's by its path."""
    found = shutil.which("pip")
    own = Path(sys.executable).parent
    return "pip" if found and Path(found).parent == own else f"{shlex.quote(sys.executable)} -m pip"


def _source() -> dict[str, Any]:
    """What pip noted of where this installation came from; empty where it noted nothing."""
    try:
        text = distribution("veilseg").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    content: dict[str, Any] = json.loads(text) if text else {}
    return content
