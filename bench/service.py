"""How the service behaves under load, on loopback: `python bench/service.py --json results/service.json`.

Each in one run on one machine: what does it carry, and how close is that to the same model in a plain loop; how does
that grow with the clients; what happens at three times that; does its memory stay flat. The load comes from this
process, on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import veilseg
from veilseg.ciphers import cipher_for
from veilseg.data.scenes import generate_scene
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.runtime import Segmenter

CIPHER = veilseg.cipher("subblock-sort")  # as the default model takes it

#: Connections that keep the service busy: as many images as are computed together, and as many that wait.
CLIENTS = 8


@dataclass
class Result:
    """What came back: statuses, seconds of the responses with 200, refusals without Retry-After, broken connections."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    without_hint: int = 0
    broken: int = 0

    def table(self) -> dict[str, Any]:
        """For JSON."""
        cuts = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        return {
            "responses": {str(status): count for status, count in sorted(self.statuses.items())},
            "broken_connections": self.broken,
            "refusals_without_retry_after": self.without_hint,
            "seconds_p50": round(cuts[49], 3),
            "seconds_p95": round(cuts[94], 3),
        }


@contextmanager
def service(model: str, *options: str) -> Iterator[tuple[int, int]]:
    """A service in a process of its own: (port, process id)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "veilseg.cli.main", "serve", model, "--port", str(port), *options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as connection:
                    connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                    if b" 200 " in connection.recv(100):
                        break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def post(port: int, bodies: list[bytes], result: Result) -> None:
    """Send `bodies` one after the other over one connection, by hand: a full client would need more than the server."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in bodies:
            start = time.monotonic()
            request = f"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
            writer.write(request.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].split("\r\n")[0])
            await reader.readexactly(length)
            status = int(head.split(" ", 2)[1])
            result.statuses[status] += 1
            if status == 200:
                result.seconds.append(time.monotonic() - start)
            elif "retry-after: " not in head:
                result.without_hint += 1
        writer.close()
    except (OSError, EOFError):
        result.broken += 1


async def closed_loop(port: int, bodies: list[bytes], clients: int) -> tuple[Result, float]:
    """`clients` connections, each sending the next when it has its response: (result, images per second)."""
    result, start = Result(), time.monotonic()
    await asyncio.gather(*(post(port, bodies[index::clients], result) for index in range(clients)))
    return result, len(bodies) / (time.monotonic() - start)


async def open_loop(port: int, bodies: list[bytes], rate: float) -> Result:
    """New connections at `rate` per second whatever the responses: visitors do not wait for each other."""
    result = Result()
    async with asyncio.TaskGroup() as group:
        start = time.monotonic()
        for index, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, start + index / rate - time.monotonic()))
            group.create_task(post(port, [body], result))
    return result


def against_a_loop(bodies: list[bytes], rounds: int) -> dict[str, Any]:
    """Images per second through the service and in a loop in this process, in turns; medians and their ratio."""
    segmenter = Segmenter("default")
    served, looped = [], []
    with service("default") as (port, _):
        for _ in range(rounds):
            served.append(asyncio.run(closed_loop(port, bodies, CLIENTS))[1])
            start = time.monotonic()
            for body in bodies:
                segmenter.segment(body)
            looped.append(len(bodies) / (time.monotonic() - start))
    ratios = [a / b for a, b in zip(served, looped, strict=True)]
    return {
        "service_images_per_second": round(statistics.median(served), 2),
        "loop_images_per_second": round(statistics.median(looped), 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def growth(bodies: list[bytes], counts: Iterable[int] = (1, 2, 4, 8, 16)) -> list[dict[str, Any]]:
    """Images per second and seconds to a response, by the number of clients, each of which waits for its response."""
    rows = []
    with service("default") as (port, _):
        asyncio.run(closed_loop(port, bodies[:8], CLIENTS))
        for clients in counts:
            result, rate = asyncio.run(closed_loop(port, 2 * bodies, clients))
            rows.append({"clients": clients, "images_per_second": round(rate, 2), **result.table()})
    return rows


def overload(bodies: list[bytes], seconds: float) -> dict[str, Any]:
    """At capacity (every client waits for its response), then three times as much as was carried."""
    with service("default", "--queue", "8") as (port, _):
        asyncio.run(closed_loop(port, bodies[:8], CLIENTS))
        count = len(bodies)
        at, rate = asyncio.run(closed_loop(port, 5 * bodies, CLIENTS))
        many = [bodies[index % count] for index in range(int(3 * rate * seconds))]
        beyond = asyncio.run(open_loop(port, many, 3 * rate))
        after, _ = asyncio.run(closed_loop(port, bodies[:8], CLIENTS))
    return {
        "images_per_second": round(rate, 2),
        "at_capacity": at.table(),
        "at_three_times": beyond.table(),
        "afterwards": after.table(),
    }


def memory(requests: int) -> dict[str, Any]:
    """Resident memory in MiB of the service and its worker after every tenth of `requests` small images."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.tiny_onnx import CANONICAL, tiny_model  # a model so small that the service itself is what is measured

    cipher = cipher_for(CANONICAL.encryption)
    bodies = [cipher.encrypt(generate_scene(seed, size=(64, 96)).image).to_bytes() for seed in range(16)]
    samples = []
    with (
        tempfile.TemporaryDirectory() as folder,
        service(str(tiny_model(Path(folder) / "tiny", CANONICAL)), "--threads", "1") as (port, pid),
    ):
        for _ in range(10):
            part = [bodies[index % 16] for index in range(requests // 10)]
            result, rate = asyncio.run(closed_loop(port, part, 8))
            assert result.statuses == {200: len(part)}, result
            samples.append([round(rss(each), 1) for each in (pid, *children(pid))])
    return {"requests": requests, "last_images_per_second": round(rate, 1), "mib_service_and_worker": samples}


def rss(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="of overload")
    parser.add_argument("--requests", type=int, default=10_000, help="for the memory")
    given = parser.parse_args()
    size = (240, 320)
    bodies = [CIPHER.encrypt(generate_scene(seed, size=size).image).to_bytes() for seed in range(given.images)]
    figures: dict[str, Any] = {"image": f"{size[1]} x {size[0]}"}
    for name, measure in (
        ("against_a_loop", lambda: against_a_loop(bodies, given.rounds)),
        ("growth", lambda: growth(bodies)),
        ("overload", lambda: overload(bodies, given.seconds)),
        ("memory", lambda: memory(given.requests)),
    ):
        figures[name] = measure()
        print(name, figures[name], flush=True)
    if given.json:
        write_json(given.json, {**figures, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
