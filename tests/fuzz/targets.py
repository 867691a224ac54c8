"""What strangers' bytes reach without a connection. A target raises for what must not happen, and nothing else."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

from veilseg import container, images
from veilseg.client.responses import ServiceModel, labels_of, refusal
from veilseg.data.base import decode_label
from veilseg.data.folder import read_classes
from veilseg.errors import (
    InvalidDataError,
    InvalidImageError,
    InvalidModelError,
    ServiceError,
    UsageError,
    VeilsegError,
)
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig
from veilseg.png import SIGNATURE
from veilseg.server.tokens import TokenFile
from veilseg.training.load import load_recipe

_MOST_VALUES = 1 << 20  # of an image that is written again
_FILE = os.memfd_create("fuzz")


def _shown(error: VeilsegError) -> None:
    """An error is one line that a terminal can show."""
    assert error.message.isprintable(), error.message
    assert error.hint is None or error.hint.isprintable(), error.hint


def _file(data: bytes) -> Path:
    """A file in memory that holds `data`; there is one, and it is written again."""
    os.ftruncate(_FILE, 0)
    os.pwrite(_FILE, data, 0)
    return Path(f"/proc/self/fd/{_FILE}")


def repaired(data: bytes) -> bytes:
    """The same PNG with lengths that fit the file and checksums that are right, so that what is inside gets read."""
    out, at = [SIGNATURE], len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        out += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))]
        at += 12 + length
    return b"".join(out)


def _both(data: bytes) -> list[bytes]:
    return [data, repaired(data)] if data.startswith(SIGNATURE) else [data]


def container_file(data: bytes) -> None:
    for file in (data, repaired(data)):
        try:
            pixels, header = container.decode(file)
        except InvalidImageError as error:
            _shown(error)
            continue
        assert pixels.shape == (*header.padded_size, 3)
        if pixels.size <= _MOST_VALUES:
            again, same = container.decode(container.encode(pixels, header))
            assert same == header
            assert np.array_equal(again, pixels)


def photograph(data: bytes) -> None:
    for file in _both(data):
        try:
            pixels = images.open_image(file)
        except InvalidImageError as error:
            _shown(error)
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3


def label(data: bytes) -> None:
    for file in _both(data):
        try:
            assert decode_label(file, "a label").dtype == np.uint8
        except InvalidDataError as error:
            _shown(error)
        try:
            assert labels_of(httpx.Response(200, content=file), (8, 8), (16, 12), 3).shape == (16, 12)
        except ServiceError as error:
            _shown(error)


def answer(data: bytes) -> None:
    response = httpx.Response(200, content=data)
    try:
        model = ServiceModel.from_response(response)
        assert model.name.isprintable()
    except ServiceError as error:
        _shown(error)
    _shown(refusal(httpx.Response(422, content=data)))


def config(data: bytes) -> None:
    try:
        read = ModelConfig.from_json(data.decode("utf-8", "replace"))
    except InvalidModelError as error:
        _shown(error)
    else:
        assert ModelConfig.from_json(read.to_json()) == read
    try:
        names, palette = read_classes(_file(data))
        assert len(names) == len(palette)
    except InvalidDataError as error:
        _shown(error)


def recipe(data: bytes) -> None:
    try:
        load_recipe(_file(data))
    except UsageError as error:
        _shown(error)


def key(data: bytes) -> None:
    try:
        found = Key.load(_file(data))
    except VeilsegError as error:
        _shown(error)
    else:
        assert str(found).encode() in data.lower()
    text = data.decode("utf-8", "replace")
    try:
        parsed = Key.parse(text)
    except VeilsegError as error:
        _shown(error)
    else:
        assert str(parsed) == text.strip().lower()


def tokens(data: bytes) -> None:
    file = TokenFile(_file(data))
    try:
        file.clients()
        assert file.check("a token") is None
    except VeilsegError as error:
        _shown(error)


#: By the name on the command line.
TARGETS: dict[str, Callable[[bytes], None]] = {
    "container": container_file,
    "photograph": photograph,
    "label": label,
    "answer": answer,
    "config": config,
    "recipe": recipe,
    "key": key,
    "tokens": tokens,
}

warnings.simplefilter("ignore")  # photographs that lose something are told so
