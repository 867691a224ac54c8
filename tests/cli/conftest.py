"""Running the command in this process, as the shell would."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from veilseg.cli.main import main


@dataclass
class Done:
    """What a run of the command left: exit code, stdout in bytes, stderr as text."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Done]:
    """Run `veilseg ARGUMENTS...` in an empty folder; `stdin` gives it bytes, `terminal` makes its stdout a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEILSEG_KEY_FILE", raising=False)

    def run(*arguments: str | Path, stdin: bytes = b"", terminal: bool = False) -> Done:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin), isatty=lambda: False))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Done(code, out, err.decode())

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """photo.png: 37 x 25 pixels, so neither side is a multiple of the block."""
    pixels = np.random.default_rng(1).integers(0, 256, (25, 37, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"
