"""The client in Go: what it sends is what Python sends, to the pixel, and a service answers it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.service import running
from veilseg.data.scenes import generate_scene

SOURCE = Path(__file__).parents[2] / "examples" / "go" / "main.go"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go compiler")
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(folder / "cache"), "GOTELEMETRY": "off"}
    # Not `go vet`: that of Debian's Go 1.19 does not end on some machines.
    subprocess.run([go, "build", "-o", folder / "client", SOURCE], check=True, cwd=folder, env=environment, timeout=300)
    return folder / "client"


class Keeping(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers with nothing."""

    sent = b""

    def do_POST(self) -> None:
        Keeping.sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def what_it_sends(client: Path, photo: Path) -> veilseg.EncryptedImage:
    """The image that the client sends for a photograph."""
    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        subprocess.run([client, photo, url, photo.with_name("labels.png")], check=True, timeout=60)
        thread.join()
    return veilseg.EncryptedImage.from_bytes(Keeping.sent)


@pytest.mark.parametrize("size", [(36, 48), (50, 70), (5, 480), (1, 3)])
def test_it_sends_what_python_sends(client: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    """Whole cells, padding on both sides, fewer pixels than a cell; few colours, so that channels are equal too."""
    pixels = np.random.default_rng(sum(size)).integers(0, 3, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    sent = what_it_sends(client, tmp_path / "photo.png")
    wanted = veilseg.cipher("subblock-sort").encrypt(pixels)
    assert sent.header == wanted.header
    assert np.array_equal(sent.pixels, wanted.pixels)


def test_larger_photographs_are_reduced(client: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (300, 961, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    sent = what_it_sends(client, tmp_path / "photo.png")
    assert (sent.header.height, sent.header.width) == (100, 320)
    means = pixels[:, :960].reshape(100, 3, 320, 3, 3).mean(axis=(1, 3)).astype(np.uint8)
    assert np.array_equal(sent.pixels, veilseg.cipher("subblock-sort").encrypt(means).pixels)


@pytest.mark.slow
def test_a_service_answers(client: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.fromarray(generate_scene(11, size=(180, 250)).image).save(photo, quality=95)
    with running(tmp_path) as service:
        subprocess.run([client, photo, service.url, tmp_path / "labels.png"], check=True, timeout=60)
        refused = subprocess.run([client, photo, f"{service.url}/none", tmp_path / "no.png"], check=False)
    labels = np.asarray(Image.open(tmp_path / "labels.png"))
    wanted = veilseg.Segmenter("default").segment(veilseg.cipher("subblock-sort").encrypt(Image.open(photo)))
    assert np.mean(labels == wanted) > 0.99  # JPEG decoders differ by a level here and there
    assert refused.returncode != 0
    assert not (tmp_path / "no.png").exists()
