"""How the service and its workers talk: messages of byte strings, each with its length before it, over pipes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import BinaryIO

_COUNT = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")


def pack(parts: Sequence[bytes]) -> bytes:
    """One message: the number of parts, then each with its length."""
    return b"".join([_COUNT.pack(len(parts)), *(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))])


def read(stream: BinaryIO) -> list[bytes] | None:
    """The next message of a blocking pipe; None when the other side has gone."""
    head = stream.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    parts = []
    for _ in range(_COUNT.unpack(head)[0]):
        length = stream.read(_LENGTH.size)
        if len(length) < _LENGTH.size:
            return None
        (size,) = _LENGTH.unpack(length)
        part = stream.read(size)
        if len(part) < size:
            return None
        parts.append(part)
    return parts


async def receive(stream: asyncio.StreamReader, count: int, most: int) -> list[bytes]:
    """The next message, which must have `count` parts of at most `most` bytes together.

    Raises ValueError when it has not, before it is read; asyncio.IncompleteReadError when the other side has gone.
    """
    (given,) = _COUNT.unpack(await stream.readexactly(_COUNT.size))
    if given != count:
        raise ValueError(f"{given} parts instead of {count}")
    parts = []
    for _ in range(count):
        (size,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        most -= size
        if most < 0:
            raise ValueError("a message is too long")
        parts.append(await stream.readexactly(size))
    return parts
