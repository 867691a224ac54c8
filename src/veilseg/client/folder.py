"""Many files through one service: several in flight, each written when it is there, failures collected."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from veilseg.client.aio import AsyncClient
from veilseg.container import KEYWORD
from veilseg.errors import ServiceError, UsageError, VeilsegError
from veilseg.files import read_limited, write_atomic
from veilseg.images import MAX_BYTES, open_image

if TYPE_CHECKING:
    from veilseg.ciphers import EncryptedImage

Job = tuple[str, str]
_MOST_KINDS = 20
Encode = Callable[[np.ndarray, np.ndarray], bytes]


@dataclass
class Summary:
    """How a run ended: files written, files that were there already, and for each that failed its name and why."""

    written: int = 0
    skipped: int = 0
    failed: list[tuple[str, VeilsegError]] = field(default_factory=list)
    not_tried: int = 0

    def lines(self) -> list[str]:
        """The summary for a person, one line for every kind of failure, the most frequent first."""
        told = [f"{self.written} written"]
        told += [f"{self.skipped} were there already"] if self.skipped else []
        told += [f"{len(self.failed)} failed"] if self.failed else []
        told += [f"{self.not_tried} not tried"] if self.not_tried else []
        # What differs only by the request's id or the name of the file is of one kind.
        kinds = Counter(_kind(name, error) for name, error in self.failed)
        first = {_kind(name, error): name for name, error in reversed(self.failed)}
        lines = [f"  {count} x {kind} (e.g. {first[kind]})" for kind, count in kinds.most_common(_MOST_KINDS)]
        more = len(kinds) - len(lines)
        return [", ".join(told), *lines, *([f"  and {more} other kinds of failure"] if more else [])]


def _kind(name: str, error: VeilsegError) -> str:
    return re.sub(r" \(request \w+\)$", "", error.message).replace(name, "the image")


def read_image(data: bytes) -> np.ndarray | EncryptedImage:
    """A file's image: encrypted where it has our header, else a photograph, uint8 [H, W, 3]. Raises InvalidImageError."""
    from veilseg.ciphers import EncryptedImage

    # A damaged encrypted image must not pass as a photograph.
    return EncryptedImage.from_bytes(data) if KEYWORD.encode() + b"\0" in data[:4096] else open_image(data)


async def segment_files(
    client: AsyncClient,
    jobs: Sequence[Job],
    encode: Encode,
    *,
    in_flight: int = 8,
    resume: bool = False,
    force: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Summary:
    """Segment every (input, output) of `jobs`; outputs are written whole, in whatever order the answers come.

    encode(labels, palette) makes a file of a label map; in_flight: images on their way at a time; resume: outputs that
    exist count as done; force: they are replaced; step is called after each job. A file that fails is noted and the
    others go on, until the service itself is gone or refuses our token: then the rest is not tried. Raises ServiceError
    when the service cannot even be asked for its model.
    """
    model = await client.model()
    summary = Summary()
    waiting: Iterator[Job] = iter(jobs)
    tried = 0
    lost = False

    async def work() -> None:
        nonlocal tried, lost
        for source, target in waiting:
            if lost:
                return
            tried += 1
            if resume and Path(target).exists():
                summary.skipped += 1
            else:
                try:
                    if Path(target).exists() and not force:
                        raise UsageError("its label map exists already", "--resume leaves it, --force replaces it")
                    data = await asyncio.to_thread(read_limited, source, MAX_BYTES)
                    labels = await client.segment(await asyncio.to_thread(read_image, data))
                    file = await asyncio.to_thread(encode, labels, model.palette)
                    await asyncio.to_thread(write_atomic, target, file, overwrite=force)
                    summary.written += 1
                except VeilsegError as error:
                    summary.failed.append((source, error))
                    lost = lost or (isinstance(error, ServiceError) and error.status in (None, 401))
            step()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, len(jobs))):
            group.create_task(work())
    summary.not_tried = len(jobs) - tried
    return summary
