"""Who may use the service: one token per client, kept as a hash in a file that may change while the service runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veilseg.errors import UsageError, VeilsegError
from veilseg.files import locked, read_limited, write_atomic

PREFIX = "veilseg-token-1-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_MAX_FILE = 4 << 20


class TokenFile:
    """The file of tokens: JSON with a client's name, the SHA-256 of its token and the day it was made.

    A token has 256 random bits, so its plain hash gives nothing away. `check` reads the file again when it changed: a
    token that is revoked is refused from the next request on. Several processes may add and revoke at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._clients: dict[str, dict[str, str]] = {}

    def add(self, name: str) -> str:
        """Make a token for the client `name` and return it; it is shown this once. UsageError for a name in use."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name for a client", "letters, digits, dot, dash and underscore, up to 64")
        token = PREFIX + secrets.token_urlsafe(32)
        with locked(self.path):
            clients = self.clients() if self.path.exists() else {}
            if name in clients:
                raise UsageError(f"the client {name} has a token", f"revoke it first: veilseg token revoke {name}")
            clients[name] = {"sha256": _hash(token), "created": datetime.now(UTC).strftime("%Y-%m-%d")}
            self._write(clients)
        return token

    def revoke(self, name: str) -> None:
        """Take the client's token away. UsageError when it has none."""
        with locked(self.path):
            clients = self.clients()
            if name not in clients:
                raise UsageError(f"no client is called {name}", "`veilseg token list` shows them")
            del clients[name]
            self._write(clients)

    def clients(self) -> dict[str, dict[str, str]]:
        """What the file holds by client: {"sha256": ..., "created": ...}. VeilsegError when it cannot be read."""
        try:
            status = self.path.stat()
        except OSError as error:
            hint = "make it with `veilseg token add NAME`"
            raise VeilsegError(f"the file of tokens {self.path.name} cannot be read: {error.strerror}", hint) from error
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen != self._seen:
            self._clients = _parse(read_limited(self.path, _MAX_FILE), self.path.name)
            self._seen = seen
        return dict(self._clients)

    def check(self, token: str) -> str | None:
        """The name of the client whose token this is, or None. All hashes are compared, each in constant time.

        Raises VeilsegError when the file cannot be read: then nobody may be let in.
        """
        given = _hash(token)
        found = None
        for name, entry in self.clients().items():
            if hmac.compare_digest(given, entry["sha256"]):
                found = name
        return found

    def _write(self, clients: dict[str, dict[str, str]]) -> None:
        mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else 0o600
        text = json.dumps({"format": 1, "clients": clients}, indent=2) + "\n"
        write_atomic(self.path, text.encode(), overwrite=True, mode=mode)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _parse(data: bytes, name: str) -> dict[str, dict[str, str]]:
    try:
        content: Any = json.loads(data)
        clients: dict[str, dict[str, str]] = content["clients"]
        if content["format"] != 1 or not all(
            re.fullmatch("[0-9a-f]{64}", entry["sha256"]) and isinstance(entry["created"], str)
            for entry in clients.values()
        ):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VeilsegError(f"{name} is no file of tokens", "make one with `veilseg token add NAME`") from error
    return clients
