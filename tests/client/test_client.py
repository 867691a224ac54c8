"""The client against a real service, and on a wire that is watched."""

from __future__ import annotations

import asyncio
import doctest
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.client.impostor import SMALL
from tests.service import Service, running
from tests.tiny_onnx import photo, split_stem, tiny_model
from veilseg.ciphers import EncryptedImage
from veilseg.client import AsyncClient, Client
from veilseg.errors import InvalidImageError, InvalidKeyError, ServiceError, UsageError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.models.encryption.onnx_stem import encrypt_onnx
from veilseg.runtime import Segmenter


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
        with pytest.raises(InvalidImageError):
            client.segment(veilseg.cipher("mosaic", sub_block=8).encrypt(image))
        with pytest.raises(InvalidImageError, match="too large"):
            client.segment(np.zeros((400, 400, 3), np.uint8))


def test_async(service: Service, model: Path) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, model="other") as client:
            maps = await asyncio.gather(*(client.segment(photo(seed)) for seed in range(6)))
        with Client(service.url, model="other") as client:
            for seed, labels in enumerate(maps):
                assert (client.segment(photo(seed)) == labels).all()

    asyncio.run(main())


@pytest.mark.parametrize("documented", [Client, AsyncClient])
def test_the_documented_examples_run(documented: type, service: Service) -> None:
    names = {"Client": Client, "AsyncClient": AsyncClient, "URL": service.url}
    (test,) = (each for each in doctest.DocTestFinder(recurse=False).find(documented, globs=names) if each.examples)
    assert doctest.DocTestRunner().run(test).failed == 0


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

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            answers = threading.Thread(target=copy, args=(server, client, False), daemon=True)
            answers.start()
            copy(client, server, True)
            answers.join()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=pass_on, args=(client,), daemon=True).start()

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


def test_a_locked_model_needs_its_key(tmp_path: Path) -> None:
    key = Key.generate()
    source = split_stem(tiny_model(tmp_path / "plain", InputSpec()))
    encrypt_onnx(source, key, tmp_path / "locked")
    with running(tmp_path, str(tmp_path / "locked")) as service:
        with Client(service.url) as client, pytest.raises(InvalidKeyError, match="needs a key"):
            client.segment(SMALL)
        with (
            Client(service.url, key=Key.generate()) as client,
            pytest.raises(InvalidKeyError, match="belongs to the key"),
        ):
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
    with pytest.warns(UserWarning, match="plain HTTP"):
        Client("http://example.com", token="t").close()
    Client("https://example.com", token="t").close()


def test_the_error_of_a_service_without_the_model(service: Service) -> None:
    with Client(service.url, model="nothing") as client, pytest.raises(ServiceError, match="no such model") as refused:
        client.segment(SMALL)
    assert refused.value.status == 404
    assert httpx.get(service.url + "/healthz").status_code == 200
