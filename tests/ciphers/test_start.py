"""What the client pays for starting: no torch at all, and numba only where a kernel runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

CODE = """
import sys
import numpy as np
import veilseg
made = veilseg.cipher("subblock-shuffle", sub_block=4)
key = veilseg.Key.generate()
assert "numba" not in sys.modules and "torch" not in sys.modules, "imported too early"
veilseg.cipher("patch-permutation").encrypt(np.zeros((16, 16, 3), np.uint8), key)
assert "numba" not in sys.modules, "the permutation needs no kernel"
made.encrypt(np.zeros((16, 16, 3), np.uint8))
print("numba" in sys.modules, "torch" in sys.modules)
"""


@pytest.mark.parametrize(("switch", "expected"), [("", "True False"), ("1", "False False")])
def test_imports(switch: str, expected: str) -> None:
    environment = {**os.environ, "VEILSEG_NO_NUMBA": switch}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == expected, done.stderr


def test_importing_veilseg_loads_nothing() -> None:
    code = "import sys, veilseg; print(any(m.split('.')[0] in ('numpy', 'PIL', 'cryptography') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_kernels_compile_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from veilseg.ciphers import jit

    def refuse(*, cache: bool = False, **options: bool) -> Callable[[Any], Any]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(jit, "njit", refuse)
    assert jit.jit(lambda x: x + 1)(1) == 2
