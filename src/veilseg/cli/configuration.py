"""What a person sets once, for options that are left out: the option counts first, then the environment, then the file.

The file is `veilseg.toml` in the user's folder of configurations, and none that lies where one works: a folder of
photographs from elsewhere must not say which server they are sent to.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veilseg.errors import UsageError
from veilseg.files import read_limited

SERVER_VARIABLE, TOKEN_FILE_VARIABLE, MODEL_VARIABLE = "VEILSEG_SERVER", "VEILSEG_TOKEN_FILE", "VEILSEG_MODEL"
TOKEN_VARIABLE = "VEILSEG_TOKEN"
#: What `--server` takes for no server, whatever is set.
HERE = "here"
_KNOWN = ("server", "token_file", "model")
_MAX_FILE = 64 << 10


@dataclass(frozen=True)
class Chosen:
    """Where `segment` works: a service's address (None: here), the token for it, and a model (None: the default)."""

    server: str | None
    token: str | None = field(repr=False)
    model: str | None


def choose(server: str | None, token: Path | None, model: str | None) -> Chosen:
    """What the options mean together with the environment and the file. No token is read without a server.

    The file's token_file is for the file's server alone: no other gets its token. Raises UsageError for a file that
    holds anything else, VeilsegError and OSError where a token's file cannot be read.
    """
    file = _read(path())
    address = server or os.environ.get(SERVER_VARIABLE) or file.get("server")
    chosen = model or os.environ.get(MODEL_VARIABLE) or file.get("model")
    if address in (None, HERE):
        return Chosen(None, None, chosen)
    return Chosen(address, _token(token, file if address == file.get("server") else {}), chosen)


def path() -> Path:
    """The file's place: $XDG_CONFIG_HOME/veilseg/veilseg.toml, by default below ~/.config."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "veilseg" / "veilseg.toml"


def _token(option: Path | None, file: dict[str, str]) -> str | None:
    if option is None and (value := os.environ.get(TOKEN_VARIABLE)):
        return value
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    if option is None and named:
        option = Path(named)
    if option is None and "token_file" in file:
        option = path().parent / Path(file["token_file"]).expanduser()
    return None if option is None else read_limited(option, 4096).decode("ascii", "replace").strip()


def _read(source: Path) -> dict[str, str]:
    """The file's entries; none where it is missing."""
    if not source.is_file():
        return {}
    try:
        content: dict[str, Any] = tomllib.loads(read_limited(source, _MAX_FILE).decode())
    except ValueError as error:  # of UTF-8 or TOML; what stands there is not repeated
        raise UsageError(
            f"{source} is no TOML file", 'a line is, for example, server = "https://seg.example"'
        ) from error
    hint = f"it takes {', '.join(_KNOWN)}, each a text"
    if "token" in content:
        raise UsageError(f"{source} holds a token", "keep it in a file of its own, and name that: token_file")
    for name, value in content.items():
        if name not in _KNOWN:
            raise UsageError(f"{source} has an unknown entry {name[:40]!r}", hint)
        if not isinstance(value, str) or not value:
            raise UsageError(f"{source}: {name} is no text", hint)
    return content
