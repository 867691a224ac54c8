"""Large images are worked on by several threads: every row once, and the same answer."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.ciphers.images import noise
from veilseg.catalog import CATALOG
from veilseg.ciphers import cipher
from veilseg.ciphers.kernels import engine
from veilseg.keys import Key


@pytest.mark.parametrize("rows", [1, 2, 7, 64])
def test_every_row_is_worked_on_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(engine, "threads", lambda: 3)
    seen: list[int] = []
    engine.over_rows(lambda start, stop: seen.extend(range(start, stop)), rows, engine.SMALL)
    assert sorted(seen) == list(range(rows))


def test_all_threads_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "threads", lambda: 3)
    meeting = threading.Barrier(3)
    met: set[int] = set()

    def work(start: int, stop: int) -> None:
        if threading.get_ident() not in met:
            meeting.wait(timeout=10)  # for three at once; fewer threads never pass
            met.add(threading.get_ident())

    engine.over_rows(work, 12, engine.SMALL)
    assert len(met) == 3


@pytest.mark.parametrize("failing", [0, 5, 11])
def test_an_error_of_any_thread_is_raised(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    monkeypatch.setattr(engine, "threads", lambda: 3)

    def work(start: int, stop: int) -> None:
        if start <= failing < stop:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        engine.over_rows(work, 12, engine.SMALL)


@pytest.mark.parametrize("name", CATALOG)
def test_threads_give_what_one_gives(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nine rows of blocks: parts of one row and of two, for kernels that take two rows at once."""
    made, key = cipher(name), Key.generate()
    side = made.spec.block
    pixels = noise(0, 9 * side, 5 * side)
    one = made.encrypt_pixels(pixels, key, bytes(12))
    monkeypatch.setattr(engine, "SMALL", 1)
    monkeypatch.setattr(engine, "threads", lambda: 2)
    assert np.array_equal(made.encrypt_pixels(pixels, key, bytes(12)), one)
