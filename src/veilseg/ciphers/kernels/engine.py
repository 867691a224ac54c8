"""Which implementation runs: numba kernels in threads over rows of blocks, or the NumPy reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from itertools import pairwise
from types import ModuleType

import numpy as np

SMALL = 768 * 1024  # pixels below which starting threads costs more than it saves
# Importing numba takes about a second, in which NumPy shuffles as many pixels, and sorts four times as many.
WORTH_NUMBA = 1024 * 1024
_asked = 0  # pixels that kernels were wanted for so far


@cache
def _import(name: str) -> ModuleType | None:
    try:
        return import_module(f"veilseg.ciphers.kernels.{name}")
    except ImportError:  # numba is missing or does not know this Python yet
        return None


def kernels(name: str, pixels: int) -> ModuleType | None:
    """A module of kernels for a job of so many pixels; None where the NumPy reference, equal to the bit, is to do it.

    That is where numba is missing, where VEILSEG_NO_NUMBA is set, and until the pixels of this process's jobs add up
    to WORTH_NUMBA: one small photograph is encrypted sooner than numba is imported.
    """
    global _asked
    if os.environ.get("VEILSEG_NO_NUMBA", "") not in ("", "0"):
        return None
    _asked += pixels
    return _import(name) if _asked >= WORTH_NUMBA else None


def threads() -> int:
    """How many threads a large image may use: the processors this process may run on, or OMP_NUM_THREADS if smaller."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, min(available, int(wanted))) if wanted.isdigit() else available


def over_rows(work: Callable[[int, int], None], rows: int, pixels: int) -> None:
    """Call work(start, stop) so that 0..rows is covered: at once if the image is small, else in threads.

    Threads are started per call: that costs some 0.1 ms, survives a fork, and leaves nothing behind. numba's own
    threading layers are avoided because the portable one aborts the process when two threads enter it.
    """
    count = min(threads(), rows) if pixels >= SMALL else 1
    if count == 1:
        work(0, rows)
        return
    # A few more parts than threads, because another process may hold one of the processors for a while.
    edges = np.linspace(0, rows, min(rows, 4 * count) + 1).astype(int).tolist()
    parts = list(pairwise(edges))[::-1]

    def take() -> None:
        while True:
            try:
                part = parts.pop()
            except IndexError:  # asked beforehand, another thread might be quicker
                return
            work(*part)

    with ThreadPoolExecutor(count - 1) as pool:  # and this thread, which would only wait
        others = [pool.submit(take) for _ in range(count - 1)]
        take()
        for other in others:
            other.result()
