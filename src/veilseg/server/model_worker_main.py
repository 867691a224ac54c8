"""The model worker, the process that runs one model: batches of files in, label maps out.

The service starts and ends it. It is a process of its own, so that a crash of the runtime or the system's memory killer
takes the batch in work and not the service, and so that files from strangers are decoded outside of the process that
knows the tokens.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from veilseg.ciphers import EncryptedImage, cipher_for
from veilseg.ciphers.kernels import engine
from veilseg.errors import InvalidImageError, InvalidModelError, VeilsegError
from veilseg.server import frames

if TYPE_CHECKING:
    from veilseg.runtime import Segmenter

LABELS, REFUSED, READY = b"L", b"R", b"C"


def main(model: str, device: str, threads: str) -> int:
    """Load `model`, say its config (or why not), then segment batches until the service closes the pipe."""
    # Ctrl-C reaches the whole group of processes, and the service decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, outgoing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not fall among the results
    try:
        from veilseg.runtime import Segmenter

        segmenter = Segmenter(model, device=device, threads=int(threads) or None)
        cores = int(threads) or engine.threads()
        apart = Segmenter(model, threads=1) if works_apart(segmenter, device, cores) else None
        # The first images compile kernels and allocate, for seconds: before anybody waits for them. The ciphers use
        # kernels only once a process has seen a megapixel.
        for each in (segmenter, apart):
            if each is not None:
                each.logits(np.zeros((64, 64, 3), np.uint8))
        spec = segmenter.config.input.encryption
        if spec is not None:
            side = 1024 // spec.block * spec.block
            cipher_for(spec).reduce(np.zeros((side, side, 3), np.uint8))
    except VeilsegError as error:
        _send(outgoing, [_refusal(error)])
        return 1
    _send(outgoing, [READY + segmenter.config.to_json().encode()])
    with ThreadPoolExecutor(cores) as pool:
        while (batch := frames.read(incoming)) is not None:
            if apart is None or len(batch) == 1:
                _send(outgoing, segment(segmenter, batch))
            else:
                _send(outgoing, list(pool.map(partial(_segment_one, apart), batch)))
    return 0


def works_apart(segmenter: Segmenter, device: str, cores: int) -> bool:
    """Whether the images of a batch are computed side by side, each on one core, and not as one array.

    On CPUs that is faster: what one image needs stays in a core's cache, and all of its way is shared out, not the
    network alone. torch's number of threads holds for the whole process, so its models compute one array.
    """
    return device == "cpu" and segmenter.engine.name == "onnx" and cores > 1


def _segment_one(segmenter: Segmenter, data: bytes) -> bytes:
    """LABELS and the ids, uint8 [H * W], of one file, or REFUSED and JSON with a message and a hint."""
    return segment(segmenter, [data])[0]


def segment(segmenter: Segmenter, batch: Sequence[bytes]) -> list[bytes]:
    """For every file of a batch LABELS and the ids, uint8 [H * W], or REFUSED and JSON with a message and a hint."""
    results: list[bytes] = [b""] * len(batch)
    images: dict[int, EncryptedImage] = {}
    for index, data in enumerate(batch):
        try:
            images[index] = EncryptedImage.from_bytes(data)
        except InvalidImageError as error:
            results[index] = _refusal(error)
    try:
        maps = segmenter.segment_batch(list(images.values()))
    except (InvalidImageError, InvalidModelError) as error:  # other failures end the worker, and another one tries
        return [_refusal(error)] * len(batch)
    for index, labels in zip(images, maps, strict=True):
        results[index] = _labels(labels)
    return results


def _labels(labels: np.ndarray) -> bytes:
    return LABELS + labels.tobytes()


def _refusal(error: VeilsegError) -> bytes:
    return REFUSED + json.dumps({"message": error.message, "hint": error.hint}).encode()


def _send(stream: BinaryIO, parts: Sequence[bytes]) -> None:
    try:
        stream.write(frames.pack(parts))
        stream.flush()
    except BrokenPipeError:  # the service was killed
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
