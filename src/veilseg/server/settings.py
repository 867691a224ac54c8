"""What a service is started with: models and limits. Every limit has a default that a small machine can keep."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field, fields
from pathlib import Path

from veilseg.errors import UsageError
from veilseg.server.memory import BYTES_PER_PIXEL

DEFAULT_PORT = 8000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the service will hold, wait for and compute at most; beyond it, it refuses and says so.

    body: bytes of one request; pixels: pixels of one image, padding included; parts: images in one request; queue:
    images that wait for one model; batch: images computed together; batch_wait: seconds to wait for more of them;
    memory: bytes that all requests hold at a time (see memory.py); connections: open at a time; timeout: seconds from
    the last byte of a request to its answer; head_timeout, body_timeout, send_timeout: seconds a client may take for
    each.
    """

    body: int = 32 << 20
    pixels: int = 8_000_000
    parts: int = 16
    queue: int = 32
    batch: int = 4
    batch_wait: float = 0.005
    memory: int = 512 << 20
    connections: int = 512
    timeout: float = 60.0
    head_timeout: float = 10.0
    body_timeout: float = 30.0
    send_timeout: float = 30.0

    def __post_init__(self) -> None:
        for limit in fields(self):
            if not 0 < getattr(self, limit.name) < math.inf:
                raise UsageError(f"the limit {limit.name.replace('_', '-')} must be a number above 0")
        if self.memory < self.body + BYTES_PER_PIXEL * self.pixels:
            raise UsageError("the limit on memory is below what one image may need", "raise it, or lower the others")

    @property
    def images(self) -> int:
        """Images that one request may hold: `parts`, but no more than the queue could ever take."""
        return min(self.parts, self.queue)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """models: name -> shipped name, folder or Hub id; the first is the default. tokens: the file of tokens, or None for
    none; device: "cpu" or "cuda"; threads: for one batch, None for one per core.
    """

    models: dict[str, str] = field(default_factory=lambda: {"default": "default"})
    tokens: Path | None = None
    limits: Limits = field(default_factory=Limits)
    device: str = "cpu"
    threads: int | None = None


def parse_models(arguments: list[str]) -> dict[str, str]:
    """["default", "street=models/street"] as {"default": "default", "street": "models/street"}; nothing: the default.

    A folder given without a name is called by its last part. Raises UsageError for a name that occurs twice.
    """
    models: dict[str, str] = {}
    for argument in arguments or ["default"]:
        name, separator, source = argument.partition("=")
        if not separator:
            name, source = Path(argument).name, argument
        if not name or not source:
            raise UsageError(f"{argument!r} is no model", "NAME=FOLDER, a folder, or the name of a shipped model")
        if name in models:
            raise UsageError(f"two models would be called {name!r}", "name them: NAME=FOLDER")
        models[name] = source
    return models


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address: 127.0.0.0/8, ::1 or localhost. Other names, 127.0.0.1.example
    among them, may point anywhere.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
