"""What fuzzing begins with: the vectors, files that this code writes, and what earlier runs found."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.client.impostor import info, labels
from tests.service import encrypted
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import ModelConfig
from veilseg.server.tokens import TokenFile
from veilseg.spec import CipherSpec

ROOT = Path(__file__).parents[2]
#: By target: base64 of inputs that reach code which the other seeds do not.
CORPUS = Path(__file__).with_name("corpus.json")
_NESTED = b'{"classes": ' + b"[" * 3000  # deeper than a parser of JSON or YAML goes
_PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def _vectors(name: str) -> dict[str, list[dict[str, str]]]:
    vectors: dict[str, list[dict[str, str]]] = json.loads((ROOT / "spec" / "vectors" / f"{name}.json").read_text())
    return vectors


def _containers() -> list[bytes]:
    vectors = _vectors("container")
    return [base64.b64decode(case["file"]) for kind in ("valid", "invalid") for case in vectors[kind]]


def _photographs() -> list[bytes]:
    found = []
    for mode in ("RGB", "L", "P", "CMYK", "RGBA", "1", "LA", "I;16"):
        image = Image.fromarray(_PIXELS).convert("I" if mode == "I;16" else mode)
        image = image.convert("I;16") if mode == "I;16" else image
        for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "GIF", "AVIF"):
            file = io.BytesIO()
            try:
                image.save(file, kind, exif=Image.Exif().tobytes())
            except (OSError, ValueError, KeyError):
                continue  # not every format has every mode
            found.append(file.getvalue())
    return found


def _labels() -> list[bytes]:
    found = [labels(8, 8), labels(8, 8, 2), labels(9, 8), *_photographs()]
    for mode in ("L", "P", "1", "RGB"):
        file = io.BytesIO()
        Image.fromarray(_PIXELS).convert(mode).save(file, "PNG")
        found.append(file.getvalue())
    return found


def _answers() -> list[bytes]:
    error = {"error": {"code": "a", "message": "No.", "hint": None, "request_id": "0"}}
    return [info(), info(cipher="subblock-shuffle"), info(cipher="plain"), json.dumps(error).encode()]


def _configs() -> list[bytes]:
    spec = InputSpec(CipherSpec("subblock-sort", 16, 8))
    config = ModelConfig("convseg", {"width": 8}, ("a", "b"), ((0, 0, 0), (255, 0, 1)), spec, training={"seed": 0})
    classes = {"classes": ["road", "sky"], "palette": [[1, 2, 3], [4, 5, 6]]}
    return [config.to_json().encode(), json.dumps(classes).encode()]


def _recipes() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "recipes").glob("*.yaml"))]


def _keys() -> list[bytes]:
    vectors = _vectors("keys")
    return [case["text"].encode() for kind in ("valid", "invalid", "files", "invalid_files") for case in vectors[kind]]


def _tokens() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        file = TokenFile(Path(folder, "tokens.json"))
        for name in ("one", "two"):
            file.add(name)
        return [file.path.read_bytes()]


def _requests() -> list[bytes]:
    image = encrypted(height=16, width=16)
    form = (
        b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: image/png\r\n\r\n" + image + b"\r\n--x--\r\n"
    )
    head = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: "
    chunked = b"image/png\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(image) + image + b"\r\n0\r\n\r\n"
    return [
        b"GET /v1/model?model=tiny HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-1\r\nExpect: 100-continue\r\n\r\n",
        head + b"image/png\r\nContent-Length: %d\r\n\r\n" % len(image) + image,
        head + chunked,
        head + b"multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(form) + form,
    ]


def _responses() -> list[bytes]:
    found = []
    for kind, body in ((b"application/json", info()), (b"image/png", labels()), (b"text/plain", b"no")):
        for status in (b"200 OK", b"429 Too Many\r\nRetry-After: 0", b"302 Found\r\nLocation: /x", b"500 Oh"):
            head = b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\n"
            found.append(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            found.append(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    return found


_MADE = {
    "container": _containers,
    "photograph": _photographs,
    "label": _labels,
    "answer": _answers,
    "config": _configs,
    "recipe": _recipes,
    "key": _keys,
    "tokens": _tokens,
    "requests": _requests,
    "responses": _responses,
}


def seeds(name: str) -> list[bytes]:
    """The seeds of a target."""
    kept = json.loads(CORPUS.read_text()).get(name, []) if CORPUS.exists() else []
    return [*_MADE[name](), _NESTED, *(base64.b64decode(text) for text in kept)]
