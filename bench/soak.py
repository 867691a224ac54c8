"""Whether an hour of good, bad and broken requests leaks anything: `python bench/soak.py --json results/soak.json`.

Every minute the load rests, and memory, open files and threads of the service and of its model worker are read.
Status 1 when more is left at the end than the budget allows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from service import children, rss, service
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fuzz.seeds import seeds
from tests.fuzz.traffic import mutated
from tests.tiny_onnx import CANONICAL, tiny_model

#: MiB that memory may grow from the first fifth, which fills caches, to the last; open files and threads: none.
MEMORY_BUDGET = {"service": 4.0, "worker": 8.0}
_CLIENTS = 4


def ask(port: int, chance: random.Random, begin: list[bytes]) -> str:
    """One connection, good, bad or broken by chance; what came of it: a status, "none" or "broken"."""
    kind = chance.choice(["good", "good", "good", "mutated", "mutated", "cut", "left", "silent", "again"])
    data = chance.choice(begin)
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            if kind == "silent":
                return "none"
            if kind == "cut":
                connection.sendall(data[: chance.randint(0, len(data) - 1)])
                return "none"
            if kind == "left":
                connection.sendall(data)
                return "none"
            connection.sendall(mutated(data, chance) if kind == "mutated" else data)
            if kind == "again":  # a second request on the connection, when the first has begun to be answered
                first = connection.recv(1 << 16)
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = first if kind == "again" else connection.recv(1 << 16)
            while connection.recv(1 << 16):
                pass
            return answer[9:12].decode("latin-1") or "none"
    except OSError:
        return "broken"


class Load:
    """Threads that ask until they are told to rest."""

    def __init__(self, port: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._port, self._seeds, self._begin = port, iter(range(seed, seed + 1_000_000)), seeds("requests")

    def run(self, seconds: float) -> None:
        """Ask for so long, and wait until every connection is gone."""
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._ask, args=(next(self._seeds), end)) for _ in range(_CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(1)

    def _ask(self, seed: int, end: float) -> None:
        chance, counts = random.Random(seed), Counter[str]()
        while time.monotonic() < end:
            counts[ask(self._port, chance, self._begin)] += 1
        self.counts.update(counts)


def sample(pid: int) -> dict[str, float]:
    """Memory in MiB, open files and threads of a process."""
    folder = Path(f"/proc/{pid}")
    return {
        "mib": round(rss(pid), 1),
        "files": sum(1 for _ in (folder / "fd").iterdir()),
        "threads": sum(1 for _ in (folder / "task").iterdir()),
    }


def over_budget(samples: list[dict[str, dict[str, float]]]) -> list[str]:
    """What grew by more than it may, from the first fifth of the samples to the last; medians."""
    fifth = max(1, len(samples) // 5)
    found = []
    for who, budget in MEMORY_BUDGET.items():
        for what, most in (("mib", budget), ("files", 0), ("threads", 0)):
            values = [one[who][what] for one in samples]
            before, after = statistics.median(values[:fifth]), statistics.median(values[-fifth:])
            if after > before + most:
                found.append(f"{who}: {what} grew from {before} to {after}")
    return found


def soak(minutes: int, seed: int) -> dict[str, Any]:
    """Run the load, a minute at a time: the counts of what came back, the samples, what is over the budget."""
    samples: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        model = str(tiny_model(Path(folder, "tiny"), CANONICAL))
        os.environ["VEILSEG_SERVE_HEAD_TIMEOUT"] = "2"  # what a broken request holds is gone within a rest
        port, pid = stack.enter_context(service(model, "--threads", "1", "--pixels", "100000", "--body", "1"))
        load, worker = Load(port, seed), children(pid)
        for _ in range(minutes):
            load.run(60)
            samples.append({"service": sample(pid), "worker": sample(children(pid)[0])})
            print(samples[-1], dict(load.counts), flush=True)
        problems = over_budget(samples) + ([] if children(pid) == worker else ["the model worker was replaced"])
    problems += [f"{count} responses with {status}" for status, count in load.counts.items() if status == "500"]
    return {
        "minutes": minutes,
        "connections": sum(load.counts.values()),
        "responses": dict(sorted(load.counts.items())),
        "samples": samples,
        "problems": problems,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    figures = soak(given.minutes, given.seed)
    for problem in figures["problems"]:
        print(problem)
    if given.json:
        write_json(given.json, {**figures, **provenance(seed=given.seed)}, overwrite=True)
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
