"""The client against a real service, against a wire that is watched, and against services that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.service import Service, running
from tests.tiny_onnx import photo, split_stem, tiny_model
from veilseg.ciphers import EncryptedImage
from veilseg.client import AsyncClient, Client, Retries
from veilseg.errors import InvalidImage, InvalidKey, ServiceError, UsageError
from veilseg.keys import Key
from veilseg.modelspec import InputSpec
from veilseg.runtime import Segmenter, encode_label_png, encrypt_onnx


def test_labels_are_those_of_the_segmenter(service: Service, model: Path) -> None:
    segmenter = Segmenter(model)
    with Client(service.url) as client:
        for seed in range(3):
            image = photo(seed, 40 + seed, 50)
            expected = segmenter.segment(veilseg.cipher("subblock-sort", sub_block=8).encrypt(image))
            assert (client.segment(image) == expected).all()
            assert (client.segment(Image.fromarray(image)) == expected).all()
            shuffled = veilseg.cipher("subblock-shuffle", sub_block=8).encrypt(image, Key.generate())
            assert (client.segment(shuffled) == expected).all()
        assert client.model.classes == segmenter.classes
        assert (client.model.palette == segmenter.palette).all()
        with pytest.raises(InvalidImage):
            client.segment(veilseg.cipher("mosaic", sub_block=8).encrypt(image))
        with pytest.raises(InvalidImage, match="too large"):
            client.segment(np.zeros((400, 400, 3), np.uint8))


def test_async(service: Service, model: Path) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, model="other") as client:
            maps = await asyncio.gather(*(client.segment(photo(seed)) for seed in range(6)))
        with Client(service.url) as client:
            for seed, labels in enumerate(maps):
                assert (client.segment(photo(seed)) == labels).all()

    asyncio.run(main())


@contextmanager
def wire(port: int) -> Iterator[tuple[str, bytearray]]:
    """An address that passes everything on to `port`, and all bytes that a client sent through it."""
    seen = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, target: socket.socket, note: bool) -> None:
        while data := source.recv(65536):
            if note:
                seen.extend(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.close()


def test_no_plain_image_and_no_metadata_on_the_wire(service: Service, tmp_path: Path) -> None:
    image = photo(3, 96, 128)
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    path = tmp_path / "secret-name.jpg"
    Image.fromarray(image).save(path, exif=exif, quality=95)
    decoded = np.asarray(Image.open(path))
    with wire(service.port) as (url, seen), Client(url) as client:
        client.segment(Image.open(path))
    sent = bytes(seen)
    heads, _, _ = sent.partition(b"\x89PNG")
    assert b"GET /v1/model" in heads
    start = sent.index(b"\x89PNG")
    body = EncryptedImage.from_bytes(sent[start:])  # nothing before, nothing behind
    assert (body.pixels == veilseg.cipher("subblock-sort", sub_block=8).encrypt(decoded).pixels).all()
    assert b"secret-name" not in sent
    assert b"SECRET" not in sent
    assert b"Exif" not in sent
    for row in decoded:  # no row of the photograph, raw or as pixels of the picture that was sent
        assert row.tobytes() not in sent
        assert row.tobytes() not in body.pixels.tobytes()


Answer = Callable[[BaseHTTPRequestHandler, int], None]


@contextmanager
def impostor(answer: Answer) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A service that answers as the function says, and what was sent to it: [(method, body)]."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append((self.command, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            answer(self, len(got))

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def give(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def info(**spec: Any) -> bytes:
    given = {"cipher": "subblock-sort", "block": 16, "sub_block": 8, "channels": None, "shuffle": None}
    limits = {"image_pixels": 10**6, "body_bytes": 10**7}
    classes = [{"id": 0, "name": "a", "colour": [0, 0, 0]}, {"id": 1, "name": "b", "colour": [255, 0, 0]}]
    data = {"name": "m", "classes": classes, "limits": limits, "input": {**given, "key_fingerprint": None, **spec}}
    return json.dumps(data).encode()


def labels(height: int = 20, width: int = 30, value: int = 1) -> bytes:
    return encode_label_png(np.full((height, width), value, np.uint8), np.zeros((2, 3), np.uint8))


SMALL = photo(0, 20, 30)


@pytest.mark.parametrize(
    "spec",
    [
        {"cipher": "plain", "sub_block": None},
        {"sub_block": 1},
        {"sub_block": 2},
        {"cipher": "mosaic", "sub_block": 2},
        {"cipher": "patch-permutation", "block": 1, "sub_block": None, "key_fingerprint": "0" * 16},
        {"cipher": "rot13"},
        {"block": "16"},
    ],
)
def test_a_service_that_asks_for_plain_images_gets_nothing(spec: dict[str, Any]) -> None:
    with impostor(lambda handler, _: give(handler, 200, info(**spec))) as (url, got), Client(url) as client:
        with pytest.raises(ServiceError):
            client.segment(SMALL)
        assert got == [("GET", b"")]


def test_the_model_is_asked_for_once_and_refusals_are_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)

    def answer(handler: BaseHTTPRequestHandler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 4:
            give(handler, (429, 503)[count % 2], b"{}", Retry_After="7")
        else:
            give(handler, 200, labels())

    with impostor(answer) as (url, got), Client(url) as client:
        assert (client.segment(SMALL) == 1).all()
        client.segment(SMALL)
    assert [method for method, _ in got] == ["GET", "POST", "POST", "POST", "POST"]
    assert len(waits) == 2
    assert all(7 <= wait <= 7 + 0.5 * 2**attempt for attempt, wait in enumerate(waits))
    assert got[1] == got[2] == got[3]


def test_retries_end() -> None:
    retries = Retries(attempts=3, first_wait=0.001)
    with impostor(lambda handler, _: give(handler, 503, b"{}")) as (url, got):
        with Client(url, retries=retries) as client, pytest.raises(ServiceError) as refused:
            client.segment(SMALL)
        assert refused.value.status == 503
        assert len(got) == 3
    assert Retries().wait(0, "3600") is None  # that is no wait but a no
    assert Retries().wait(0, "Wed, 21 Oct 2015 07:28:00 GMT") is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", retries=retries) as client, pytest.raises(ServiceError, match="reached"):
        client.segment(SMALL)


@pytest.mark.parametrize(
    "body", [b"", b"no png", labels(20, 31), labels(value=2), labels()[:60], veilseg.images.to_png(SMALL)]
)
def test_answers_that_are_no_label_map_are_refused(body: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        give(handler, 200, info() if handler.command == "GET" else body)

    with impostor(answer) as (url, _), Client(url) as client, pytest.raises(ServiceError):
        client.segment(SMALL)


@pytest.mark.parametrize("ask", [Client, AsyncClient])
def test_an_answer_without_end_is_cut_off(ask: type[Client | AsyncClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veilseg.client.exchange._MAX_ANSWER", 1 << 20)

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):  # the client hangs up
            while True:
                handler.wfile.write(bytes(65536))

    async def wait() -> None:
        async with AsyncClient(url) as client:
            await client.segment(SMALL)

    def run() -> object:
        return Client(url).segment(SMALL) if ask is Client else asyncio.run(wait())

    with impostor(answer) as (url, _), pytest.raises(ServiceError, match="larger than"):
        run()


def test_a_redirect_is_not_followed_and_an_error_is_told() -> None:
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        body = json.dumps({"error": {"message": "No\x1b[31m.", "hint": "h", "request_id": "r1"}}).encode()
        give(handler, 302, body, Location="http://example.com/")

    with impostor(answer) as (url, got), Client(url, token="t") as client:
        with pytest.raises(ServiceError, match=r"refused: No\[31m \(request r1\)"):
            client.segment(SMALL)
        assert len(got) == 1


def test_a_locked_model_needs_its_key(tmp_path: Path) -> None:
    key = Key.generate()
    source = split_stem(tiny_model(tmp_path / "plain", InputSpec()))
    encrypt_onnx(source, key, tmp_path / "locked")
    with running(tmp_path, str(tmp_path / "locked")) as service:
        with Client(service.url) as client, pytest.raises(InvalidKey, match="needs a key"):
            client.segment(SMALL)
        with Client(service.url, key=Key.generate()) as client, pytest.raises(InvalidKey, match="belongs to the key"):
            client.segment(SMALL)
        with wire(service.port) as (url, seen), Client(url, key=key) as client:
            answer = client.segment(SMALL)
        assert (answer == Segmenter(source).segment(SMALL)).mean() > 0.99
        assert str(key).encode() not in bytes(seen)
        assert key.fingerprint.encode() in bytes(seen)


def test_addresses() -> None:
    for url in ("", "127.0.0.1:8000", "ftp://x", "http://", "http://a:b@c", "http://x/?y=1"):
        with pytest.raises(UsageError):
            Client(url)
    with pytest.warns(UserWarning, match="unencrypted"):
        Client("http://example.com", token="t").close()
    Client("https://example.com", token="t").close()


def test_the_error_of_a_service_without_the_model(service: Service) -> None:
    with Client(service.url, model="nothing") as client, pytest.raises(ServiceError, match="no such model") as refused:
        client.segment(SMALL)
    assert refused.value.status == 404
    assert httpx.get(service.url + "/healthz").status_code == 200
