"""What the client pays for starting: no torch at all, and numba only where a kernel runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from veilseg.ciphers.kernels import engine

CODE = """
import sys
import numpy as np
import veilseg
made = veilseg.cipher("subblock-shuffle", sub_block=4)
key = veilseg.Key.generate()
assert "numba" not in sys.modules and "torch" not in sys.modules, "imported too early"
veilseg.cipher("patch-permutation").encrypt(np.zeros((16, 16, 3), np.uint8), key)
assert "numba" not in sys.modules, "the permutation needs no kernel"
small, large = np.zeros((360, 480, 3), np.uint8), np.zeros((1024, 1024, 3), np.uint8)
made.encrypt(small)
assert "numba" not in sys.modules, "one small image is not worth the import"
made.encrypt(LARGE, longer_side=0)
print("numba" in sys.modules, "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("switch", "last", "expected"),
    [("", "large", "True False"), ("", "small", "False False"), ("1", "large", "False False")],
)
def test_imports(switch: str, last: str, expected: str) -> None:
    environment = {**os.environ, "VEILSEG_NO_NUMBA": switch}
    done = subprocess.run(
        [sys.executable, "-c", CODE.replace("LARGE", last)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == expected, done.stderr


def test_importing_veilseg_loads_nothing() -> None:
    code = "import sys, veilseg; print(any(m.split('.')[0] in ('numpy', 'PIL', 'cryptography') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_small_images_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long row of small images is worth the import, too."""
    monkeypatch.delenv("VEILSEG_NO_NUMBA", raising=False)
    monkeypatch.setattr(engine, "WORTH_NUMBA", 1000)
    monkeypatch.setattr(engine, "_asked", 0)
    assert [engine.kernels("sort", 400) is not None for _ in range(4)] == [False, False, True, True]


def test_kernels_compile_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from veilseg.ciphers.kernels import jit

    def refuse(*, cache: bool = False, **options: Any) -> Callable[[Any], Any]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(jit, "njit", refuse)
    assert jit.jit(lambda x: x + 1)(1) == 2
