"""A worker that answers nonsense counts as one that died: it is ended, and its images go to the next."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import numpy as np
import pytest

from tests.service import SOURCE, encrypted, running
from veilseg.errors import InvalidImageError
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import ModelConfig
from veilseg.runtime import Segmenter
from veilseg.server import frames
from veilseg.server.model_worker import ModelWorker, WorkerGoneError
from veilseg.server.model_worker_main import works_apart

CONFIG = ModelConfig(
    architecture="tiny", arguments={}, classes=("a", "b"), palette=(), input=InputSpec(), size_multiple=1
)
FILE, SIZE = b"a file", (2, 3)


def ask(said: bytes) -> list[np.ndarray | InvalidImageError]:
    """What `ModelWorker.run` makes of one file when the process reads it, says `said` and stays."""

    async def run() -> list[np.ndarray | InvalidImageError]:
        length = len(frames.pack([FILE]))
        code = f"import os, sys; sys.stdin.buffer.read({length}); os.write(1, {said!r}); os.close(1); sys.stdin.read()"
        process = await asyncio.create_subprocess_exec(sys.executable, "-ISc", code, stdin=PIPE, stdout=PIPE)
        try:
            return await ModelWorker(process, CONFIG).run([FILE], [SIZE], 300)
        finally:
            was_ended = process.returncode is not None
            await ModelWorker(process, CONFIG).stop()
            ended.append(was_ended)

    ended: list[bool] = []
    try:
        return asyncio.run(run())
    except WorkerGoneError:
        assert ended == [True]
        raise


def test_answers_are_read() -> None:
    (labels,) = ask(frames.pack([b"L" + bytes([0, 1, 0, 1, 1, 0])]))
    assert isinstance(labels, np.ndarray)
    assert labels.tolist() == [[0, 1, 0], [1, 1, 0]]
    for hint in ("do so", None):
        (refused,) = ask(frames.pack([b"R" + json.dumps({"message": "no", "hint": hint}).encode()]))
        assert isinstance(refused, InvalidImageError)
        assert (refused.message, refused.hint) == ("no", hint)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        frames.pack([b"L" + bytes(6)])[:-1],
        frames.pack([b"L" + bytes(5)]),
        frames.pack([b"L" + bytes(7)]),
        frames.pack([b"L" + bytes([0, 0, 0, 0, 0, 2])]),  # a class that the model does not have
        frames.pack([b"X" + bytes(6)]),
        frames.pack([b""]),
        frames.pack([]),
        frames.pack([b"L" + bytes(6)] * 2),
        struct.pack("<IQ", 1, 1 << 62) + bytes(100),
        struct.pack("<I", 0xFFFFFFFF) + bytes(100),
        frames.pack([b"R"]),
        frames.pack([b"R[]"]),
        frames.pack([b"R{}"]),
        frames.pack([b"R\xff"]),
        frames.pack([b"R" + b"[" * 100_000]),
    ],
)
def test_nonsense_ends_the_worker(said: bytes) -> None:
    with pytest.raises(WorkerGoneError):
        ask(said)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_is_answered_as_its_images_are(model: Path, threads: int) -> None:
    """Whether as one array or side by side; one that cannot be read harms no other."""
    files = [encrypted(seed) for seed in range(5)]
    files[2] = files[2][:-30]

    async def run() -> list[np.ndarray | InvalidImageError]:
        worker = await ModelWorker.start(str(model), "cpu", threads)
        try:
            return await worker.run(files, [(40, 50)] * len(files), 300)
        finally:
            await worker.stop()

    answers = asyncio.run(run())
    segmenter = Segmenter(model, threads=1)
    for index, (file, labels) in enumerate(zip(files, answers, strict=True)):
        if index == 2:
            assert isinstance(labels, InvalidImageError)
        else:
            assert isinstance(labels, np.ndarray)
            assert (labels == segmenter.segment(file)).all()


def test_which_models_work_side_by_side(model: Path) -> None:
    torch = pytest.importorskip("torch")
    onnx = Segmenter(model, threads=1)
    assert works_apart(onnx, "cpu", 2)
    assert not works_apart(onnx, "cpu", 1)
    assert not works_apart(onnx, "cuda", 2)
    module = torch.nn.Identity()
    module.config = onnx.config
    assert not works_apart(Segmenter(module), "cpu", 2)


#: Python runs this when a process starts: label maps of a worker come out short while the file `damage` exists.
DAMAGE = """
import pathlib, sys
if "veilseg.server.model_worker_main" in sys.orig_argv:
    from veilseg.server import frames
    damage, whole = pathlib.Path({damage!r}), frames.pack
    frames.pack = lambda parts: whole([part[:-1] if part[:1] == b"L" and damage.exists() else part for part in parts])
"""


def test_a_service_replaces_a_worker_that_answers_nonsense(model: Path, tmp_path: Path) -> None:
    damage = tmp_path / "damage"
    (tmp_path / "sitecustomize.py").write_text(DAMAGE.format(damage=str(damage)))
    environment = {"PYTHONPATH": f"{tmp_path}:{SOURCE}"}
    with running(tmp_path, str(model), "--timeout", "300", environment=environment) as service:
        expected = service.post(encrypted()).content
        first = service.worker
        damage.touch()
        refused = service.post(encrypted())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "worker_died")
        assert int(refused.headers["retry-after"]) >= 1
        assert service.metric("veilseg_worker_restarts_total") == 2
        damage.unlink()
        service.until(service.is_ready)
        assert service.worker != first
        assert service.post(encrypted()).content == expected
    assert '"event": "bug"' not in service.log.read_text()
