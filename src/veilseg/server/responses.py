"""What a service returns: label maps as palette PNG, raw ids, COCO RLE or areas of classes, as the client prefers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from veilseg.modelconfig import ModelConfig
from veilseg.runtime.answers import areas, rle
from veilseg.runtime.labels import encode_label_png
from veilseg.server.errors import RequestError

PNG = "image/png"
RAW = "application/octet-stream"
RLE = "application/vnd.veilseg.rle+json"
AREAS = "application/json"


def _png(labels: np.ndarray, config: ModelConfig) -> bytes:
    return encode_label_png(labels, np.array(config.palette, np.uint8))


def _raw(labels: np.ndarray, config: ModelConfig) -> bytes:
    return labels.tobytes()


#: Every form of a response by its media type, the default first.
_BYTES: dict[str, Callable[[np.ndarray, ModelConfig], bytes]] = {PNG: _png, RAW: _raw}
_JSON: dict[str, Callable[[np.ndarray, ModelConfig], dict[str, Any]]] = {
    AREAS: lambda labels, config: areas(labels, config.classes),
    RLE: lambda labels, config: rle(labels, config.classes),
}
TYPES = (*_BYTES, *_JSON)


def negotiate(accept: str) -> str:
    """The media type of TYPES that an Accept header prefers; the first of equals. Raises RequestError 406 for none."""
    best, best_quality = "", 0.0
    for kind in TYPES:
        quality = _quality(kind, accept or "*/*")
        if quality > best_quality:
            best, best_quality = kind, quality
    if not best:
        raise RequestError(
            406, "not_acceptable", "None of the accepted types can be given.", f"Accept: {', '.join(TYPES)}"
        )
    return best


def _quality(kind: str, accept: str) -> float:
    """How much an Accept header wants `kind`, 0 to 1: the most specific range decides (RFC 9110, 12.5.1)."""
    found, quality = -1, 0.0
    for entry in accept.lower().split(",")[:50]:
        name, *parameters = (part.strip() for part in entry.split(";"))
        specific = {"*/*": 0, f"{kind.partition('/')[0]}/*": 1, kind: 2}.get(name, -1)
        if specific > found:
            found, quality = specific, _q(parameters)
    return quality


def _q(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def build(
    maps: Sequence[tuple[str, np.ndarray]], kind: str, config: ModelConfig, *, several: bool, boundary: str
) -> tuple[bytes, dict[str, str]]:
    """The body of a response and its headers, for label maps uint8 [H, W] with the names of their parts.

    `several`: the request was multipart, and so is the response: multipart/form-data with a part for each image, or for
    the JSON types {"images": [...]}. The size goes into X-Veilseg-Size (height x width), since raw ids do not tell it.
    """
    if kind in _JSON:
        values = [_JSON[kind](labels, config) for _, labels in maps]
        data = {"images": values} if several else values[0]
        return json.dumps(data, ensure_ascii=False).encode(), {"Content-Type": kind}
    bodies = [_BYTES[kind](labels, config) for _, labels in maps]
    if not several:
        return bodies[0], {"Content-Type": kind, "X-Veilseg-Size": _size(maps[0][1])}
    pieces: list[bytes] = []
    for (name, labels), body in zip(maps, bodies, strict=True):
        quoted = name.translate({ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"})  # as HTML's forms do
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"; filename="labels"\r\n'
            f"Content-Type: {kind}\r\nX-Veilseg-Size: {_size(labels)}\r\n\r\n"
        )
        pieces += [head.encode(), body, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _size(labels: np.ndarray) -> str:
    return f"{labels.shape[0]}x{labels.shape[1]}"
