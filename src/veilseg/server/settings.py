"""What a service is started with: models and limits. Every limit has a default that a small machine can keep.

What is not given comes from the environment (VEILSEG_SERVE_QUEUE=64), else it is the default. Not VEILSEG_PORT and the
like: Kubernetes sets those by itself for a service of that name.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ByteSize, Field, PositiveInt, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from veilseg.errors import UsageError
from veilseg.server.memory import BYTES_PER_PIXEL

PREFIX = "VEILSEG_SERVE_"
Bytes = Annotated[ByteSize, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _FromEnvironment(BaseSettings):
    """Raises UsageError for what is unknown or out of range."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except SettingsError as error:  # a variable that pydantic cannot even read
            raise UsageError(
                f"a variable {PREFIX}... cannot be read: {error}", "docs/operations.md lists them"
            ) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                raise UsageError(
                    f"there is no setting {name!r}", f"known: {', '.join(type(self).model_fields)}"
                ) from None
            what = first["msg"].removeprefix("Input ")
            raise UsageError(
                f"the setting {name} is {str(first['input'])[:60]!r}: {what[:1].lower()}{what[1:]}",
                f"in the environment it is {PREFIX}{name.upper()}; `veilseg serve --help` lists the options",
            ) from error


class Limits(_FromEnvironment):
    """What the service will hold, wait for and compute at most; beyond it, it refuses and says so."""

    body: Bytes = ByteSize(32 << 20)  # of one request
    pixels: PositiveInt = 8_000_000  # of one image, padding included
    parts: PositiveInt = 16  # images in one request
    queue: PositiveInt = 32  # images that wait for one model
    batch: PositiveInt = 4  # images computed together
    batch_wait: Seconds = 0.005  # for more of them
    memory: Bytes = ByteSize(512 << 20)  # that all requests hold at a time, see memory.py
    connections: PositiveInt = 512  # open at a time
    timeout: Seconds = 60.0  # from the last byte of a request to its response
    head_timeout: Seconds = 10.0  # for a client to send a head,
    body_timeout: Seconds = 30.0  # a body,
    send_timeout: Seconds = 30.0  # and to read a response

    @model_validator(mode="after")
    def _check_memory(self) -> Self:
        if self.memory < self.body + BYTES_PER_PIXEL * self.pixels:
            raise UsageError("the limit on memory is below what one image may need", "raise it, or lower the others")
        return self

    @property
    def images(self) -> int:
        """Images that one request may hold: `parts`, but no more than the queue could ever take."""
        return min(self.parts, self.queue)


class Settings(_FromEnvironment):
    """Where the service listens, what it serves, and who may ask."""

    #: name -> shipped name, folder or Hub id; the first is the default. In the environment as on the command line.
    models: Annotated[dict[str, str], NoDecode] = Field(default_factory=lambda: {"default": "default"})
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    tokens: Path | None = None  # the file of tokens; None: nobody needs one
    tls_certificate: Path | None = None  # PEM files
    tls_key: Path | None = None
    traces: str | None = None  # a collector's address for OTLP over HTTP; None: no spans are made
    device: Literal["cpu", "cuda"] = "cpu"
    threads: PositiveInt | None = None  # for one batch; None: one per core
    limits: Limits = Field(default_factory=Limits)

    @field_validator("models", mode="before")
    @classmethod
    def _read_models(cls, value: Any) -> Any:
        return parse_models(value.split()) if isinstance(value, str) else value


def parse_models(arguments: list[str]) -> dict[str, str]:
    """["default", "street=models/street"] as {"default": "default", "street": "models/street"}.

    A folder given without a name is called by its last part. Raises UsageError for a name that occurs twice.
    """
    models: dict[str, str] = {}
    for argument in arguments:
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
    """Whether only this machine can reach an address: 127.0.0.0/8, ::1 or localhost.

    Other names, 127.0.0.1.example among them, may point anywhere.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
