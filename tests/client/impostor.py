"""A service that responds whatever a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tests.tiny_onnx import photo
from veilseg.runtime import encode_label_png

Respond = Callable[[BaseHTTPRequestHandler, int], None]


@contextmanager
def impostor(respond: Respond) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A service that responds as the function says, and what was sent to it: [(method, body)]."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append((self.command, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            respond(self, len(got))

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
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
    given = {"cipher": "subblock-sort", "block": 16, "sub_block": 16}
    limits = {"image_pixels": 10**6, "body_bytes": 10**7}
    classes = [{"id": 0, "name": "a", "colour": [0, 0, 0]}, {"id": 1, "name": "b", "colour": [255, 0, 0]}]
    data = {
        "name": "m",
        "classes": classes,
        "limits": limits,
        "input": {**given, "key_fingerprint": None, "longer_side": 480, **spec},
    }
    return json.dumps(data).encode()


def labels(height: int = 20, width: int = 30, value: int = 1) -> bytes:
    return encode_label_png(np.full((height, width), value, np.uint8), np.zeros((2, 3), np.uint8))


SMALL = photo(0, 20, 30)
