"""The web client's encryption in Node: the vectors byte for byte, and files that Python reads."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import veilseg
from veilseg.keys import Key
from veilseg.runtime import encode_label_png

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "veilseg" / "server" / "web"
VECTORS = ROOT / "spec" / "vectors"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what Node wrote, after the vectors held."""
    if shutil.which("node") is None:
        pytest.skip("no node")
    out = tmp_path_factory.mktemp("node")
    labels = np.random.default_rng(0).integers(0, 11, (37, 53), dtype=np.uint8)
    (out / "expected.npy").write_bytes(labels.tobytes())
    (out / "labels.png").write_bytes(encode_label_png(labels, np.zeros((11, 3), np.uint8)))
    # Node takes .js files for modules where a package.json says so; browsers go by how they are loaded.
    modules = out / "web"
    shutil.copytree(WEB, modules, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (modules / "package.json").write_text('{"type": "module"}')
    (out / "package.json").write_text('{"type": "module"}')
    for name in ("check.js", "node.mjs"):
        shutil.copy(Path(__file__).parent / name, out / name)
    command = ["node", str(out / "node.mjs"), str(modules), str(VECTORS), str(out)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["wrong"] == []
    assert result["cases"] > 100
    return out


@pytest.mark.parametrize(
    "name", ["subblock-sort", "subblock-shuffle", "subblock-quartiles", "mosaic", "patch-permutation", "patch-rotation"]
)
def test_files_are_what_python_would_have_made(done: Path, name: str) -> None:
    data = json.loads((VECTORS / "ciphers.json").read_text())["pictures"]["noise"]
    shape = (data["height"], data["width"], 3)
    photo = np.frombuffer(base64.b64decode(data["pixels"]), np.uint8).reshape(shape)[:-5, :-3]
    key = Key.parse(json.loads((VECTORS / "keys.json").read_text())["valid"][1]["text"])
    image = veilseg.EncryptedImage.open(done / f"{name}.png")
    cipher = veilseg.cipher(name, 16, None if name.startswith("patch") else 8)
    expected = cipher.encrypt(photo, key if cipher.keyed == "required" else None)
    assert image.header == expected.header
    if name == "subblock-shuffle":  # its keys were drawn and forgotten: the canonical form is what both share
        assert (
            veilseg.ciphers.canonicalize(image.pixels, 16, 8) == veilseg.ciphers.canonicalize(expected.pixels, 16, 8)
        ).all()
        assert (image.pixels != expected.pixels).any()
    elif name == "patch-rotation":
        assert abs(image.pixels.astype(int) - expected.pixels.astype(int)).max() <= 1
        assert (image.decrypt(key) == photo).all()
    else:
        assert (image.pixels == expected.pixels).all()


def test_label_maps_are_read(done: Path) -> None:
    assert (done / "labels.bin").read_bytes() == (done / "expected.npy").read_bytes()
