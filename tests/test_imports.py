"""Which way imports run (contracts in pyproject.toml), and what every verb loads: the client never loads torch."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilseg.cli.main import VERBS

ROOT = Path(__file__).parents[1]
#: Packages that only those load whose work needs them.
HEAVY = {
    *("torch", "torchvision", "timm", "transformers", "lightning"),
    *("onnx", "onnxscript", "safetensors", "huggingface_hub", "ray", "fsspec"),
}


def test_imports_run_one_way() -> None:
    """No circles, imports inside of functions included; runtime and server never import keys."""
    done = subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def loaded(code: str, cwd: Path) -> set[str]:
    """The top-level modules in a fresh Python after running `code`."""
    tail = "\nimport sys as _s; print('LOADED', *sorted({m.partition('.')[0] for m in _s.modules}))"
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


def run_verb(*arguments: str) -> str:
    return f"from veilseg.cli.main import main\nassert main({list(arguments)!r}) == 0"


def test_the_package_starts_light(tmp_path: Path) -> None:
    modules = loaded("import veilseg", tmp_path)
    assert not modules & {*HEAVY, "onnxruntime", "numba", "PIL", "rich", "typer", "httpx"}


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_starts_light(verb: str | None, tmp_path: Path) -> None:
    modules = loaded(run_verb(*([verb] if verb else []), "--help"), tmp_path)
    assert not modules & {*HEAVY, "onnxruntime", "numba", "llvmlite", "scipy", "rich", "httpx"}


def test_the_clients_verbs_never_load_torch(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    for arguments in (
        ["keygen", "-o", "my.key"],
        ["encrypt", "photo.png", "-o", "sorted.png"],
        ["encrypt", "photo.png", "-o", "veiled.png", "--cipher", "subblock-shuffle", "--key", "my.key"],
        ["decrypt", "veiled.png", "-o", "plain.png", "--key", "my.key"],
        ["inspect", "veiled.png"],
    ):
        modules = loaded(run_verb(*arguments), tmp_path)
        assert not modules & {*HEAVY, "onnxruntime"}, arguments


def test_the_ciphers_and_the_container_never_load_torch(tmp_path: Path) -> None:
    modules = loaded(
        "import veilseg.ciphers, veilseg.container, veilseg.runtime, veilseg.modelconfig, veilseg.data", tmp_path
    )
    assert not modules & {*HEAVY, "onnxruntime", "numba"}


def test_help_is_fast(tmp_path: Path) -> None:
    """Processor time of the best of three, since the machine may have other work: well under a second."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "veilseg.cli.main", "encrypt", "--help"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.7
