"""Exactly one output per input, whatever happens in between: failures, kills, outputs that exist."""

from __future__ import annotations

import io
import pickle
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.service import PATIENCE, SOURCE
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.batch import (
    Decrypt,
    Encrypt,
    Outcome,
    Segment,
    Task,
    carry_out,
    make_plan,
    run_by_service,
    run_here,
    with_photographs,
)
from veilseg.batch.locations import join, location_of
from veilseg.batch.operations import Files
from veilseg.errors import InvalidImageError, InvalidKeyError, InvalidModelError, ServiceError, VeilsegError
from veilseg.images import open_image, to_png
from veilseg.runtime import Segmenter, overlay

SORT = veilseg.cipher("subblock-sort", block=16, sub_block=8)
SHUFFLE = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photographs in two folders, one of them damaged."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for index, name in enumerate(("a.png", "b.bmp", "deep/a.png", "deep/c.tiff")):
        Image.fromarray(photo(index)).save(folder / name)
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8 nothing more")
    return folder


def names_and_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tasks(source: Path, target: Path) -> list[Task]:
    return make_plan([str(source)], str(target), verb="encrypt").missing()


@pytest.mark.parametrize("executor", [run_here, run_by_service, partial(run_by_service, in_flight=2)])
def test_encrypts_as_the_library_does(executor: Callable[..., Iterator[Outcome]], photos: Path, tmp_path: Path) -> None:
    outcomes = list(executor(tasks(photos, tmp_path / "veiled"), Encrypt(SORT)))
    assert len(outcomes) == 5
    assert [one.name for one in outcomes if one.error] == [str(photos / "damaged.jpg")]
    assert not any(one.skipped for one in outcomes)
    wanted = {
        str(Path(name).with_suffix(".png")): SORT.encrypt(open_image(photos / name)).to_bytes()
        for name in ("a.png", "b.bmp", "deep/a.png", "deep/c.tiff")
    }
    assert names_and_bytes(tmp_path / "veiled") == wanted


def test_segments_as_the_library_does(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model", CANONICAL)
    bucket = f"memory://{secrets.token_hex(4)}"
    where = location_of(bucket)
    for index in range(3):
        where.write(join(bucket, f"veiled/{index}.png"), SORT.encrypt(photo(index)).to_bytes(), overwrite=False)
    plan = make_plan([f"{bucket}/veiled"], f"{bucket}/labels", verb="segment")
    assert not any(one.error for one in run_here(plan.tasks, Segment(str(model), threads=1)))
    for task in plan.tasks:
        labels = np.asarray(Image.open(io.BytesIO(where.read(task.outputs[0]))))
        assert np.array_equal(labels, Segmenter(model, threads=1).segment(where.read(task.inputs[0])))
    assert plan.missing() == []


def test_decrypts_as_the_library_does(tmp_path: Path) -> None:
    key = veilseg.Key.generate()
    key.save(tmp_path / "my.key")
    task = Task((str(tmp_path / "veiled.png"),), (str(tmp_path / "plain.png"),))
    SHUFFLE.encrypt(photo(), key).save(task.inputs[0])
    assert [one.error for one in run_here([task], Decrypt(tmp_path / "my.key"))] == [None]
    assert np.array_equal(open_image(task.outputs[0]), photo())


def test_what_exists_is_skipped(photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "veiled" / "b.png"
    target.parent.mkdir()
    target.write_bytes(b"mine")
    task = Task((str(photos / "b.bmp"),), (str(target),))
    work = Encrypt(SORT).open()
    assert carry_out(task, work) == Outcome(task.inputs[0], skipped=True)
    assert target.read_bytes() == b"mine"
    assert carry_out(task, work, force=True) == Outcome(task.inputs[0])
    assert target.read_bytes() == SORT.encrypt(open_image(photos / "b.bmp")).to_bytes()


def test_a_missing_overlay_is_made_beside_a_label_map_that_exists(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model", CANONICAL)
    for folder in ("veiled", "photos", "labels"):
        (tmp_path / folder / "day").mkdir(parents=True)
    for name in ("0.png", "day/1.png"):
        (tmp_path / "photos" / name).write_bytes(to_png(photo()))
        SORT.encrypt(photo()).save(tmp_path / "veiled" / name)
    (tmp_path / "labels" / "0.png").write_bytes(b"mine")
    plan = make_plan([str(tmp_path / "veiled")], str(tmp_path / "labels"), verb="segment")
    assert len(plan.missing()) == 1
    plan = with_photographs(plan, str(tmp_path / "photos"), str(tmp_path / "seen"))
    assert plan.missing() == plan.tasks
    assert [one.error for one in run_here(plan.missing(), Segment(str(model), threads=1, overlay=True))] == [None, None]
    assert (tmp_path / "labels" / "0.png").read_bytes() == b"mine"
    segmenter = Segmenter(model, threads=1)
    expected = overlay(photo(), segmenter.segment(tmp_path / "veiled" / "0.png"), segmenter.palette)
    for name in ("0.png", "day/1.png"):
        assert np.array_equal(open_image(tmp_path / "seen" / name), expected)
    assert plan.missing() == []


def test_operations_travel_without_the_key(tmp_path: Path) -> None:
    key = veilseg.Key.generate()
    key.save(tmp_path / "my.key")
    sent = pickle.dumps(Encrypt(SHUFFLE, tmp_path / "my.key").elsewhere())
    assert str(key).encode() not in sent
    assert key.derive("anything") not in sent
    (made,) = pickle.loads(sent).open()(to_png(photo())).contents
    assert np.array_equal(veilseg.EncryptedImage.from_bytes(made).decrypt(key), photo())
    veilseg.Key.generate().save(tmp_path / "my.key", overwrite=True)
    with pytest.raises(InvalidKeyError, match="another key on this machine"):
        pickle.loads(sent).open()


def test_an_operation_that_cannot_be_opened_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    for executor in (run_here, run_by_service):
        with pytest.raises(InvalidModelError):
            next(executor(tasks(photos, tmp_path / "out"), Segment(str(tmp_path / "none"))))
        with pytest.raises(VeilsegError, match=r"none\.key"):
            next(executor(tasks(photos, tmp_path / "out"), Encrypt(SORT, tmp_path / "none.key")))
    assert not (tmp_path / "out").exists()


@dataclass
class Fussy:
    """Fails as it is told to; counts what it is given, and how many at a time. Begins when `together` are there."""

    error: Exception | None = None
    after: int = 0
    given: int = 0
    now: int = 0
    most: int = 0
    together: int = 1
    doing = "failing"

    def open(self) -> Callable[[bytes], Files]:
        lock = threading.Condition()

        def work(data: bytes) -> Files:
            with lock:
                self.given += 1
                self.now += 1
                self.most = max(self.most, self.now)
                lock.notify_all()
                lock.wait_for(lambda: self.most >= self.together, PATIENCE)
                failing = self.error is not None and self.given > self.after
            time.sleep(0.02)
            with lock:
                self.now -= 1
            if failing and self.error is not None:
                raise self.error
            return Files((data,))

        return work


def many(tmp_path: Path, count: int) -> list[Task]:
    (tmp_path / "in").mkdir()
    for index in range(count):
        (tmp_path / "in" / f"{index:02}.png").write_bytes(b"x")
    return tasks(tmp_path / "in", tmp_path / "out")


def test_as_many_are_in_flight_as_is_said(tmp_path: Path) -> None:
    operation: Any = Fussy(together=4)
    found = list(run_by_service(many(tmp_path, 20), operation, in_flight=4))
    assert sorted(one.name for one in found) == [str(tmp_path / "in" / f"{index:02}.png") for index in range(20)]
    assert operation.most == 4


@pytest.mark.parametrize(("status", "tried"), [(None, 5), (401, 5), (400, 20), (429, 20)])
def test_a_service_that_is_gone_ends_the_run(status: int | None, tried: int, tmp_path: Path) -> None:
    operation: Any = Fussy(ServiceError("no", status=status), after=4)
    found = list(run_by_service(many(tmp_path, 20), operation, in_flight=1))
    assert (len(found), sum(one.error is None for one in found)) == (tried, 4)


def test_faults_of_ours_are_no_outcomes(tmp_path: Path) -> None:
    listed, faulty = many(tmp_path, 3), cast(Any, Fussy(ZeroDivisionError()))
    for executor in (run_here, run_by_service):
        with pytest.raises(ZeroDivisionError):
            list(executor(listed, faulty))

    def damaged() -> Iterator[Task]:
        yield from listed
        raise InvalidImageError("the video ends here")

    operation: Any = Fussy()
    with pytest.raises(InvalidImageError, match="ends here"):
        list(run_by_service(damaged(), operation, in_flight=1))
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_memory_that_is_lacking_fails_one_image(tmp_path: Path) -> None:
    operation: Any = Fussy(MemoryError())
    found = list(run_here(many(tmp_path, 2), operation))
    assert [one.error.message for one in found if one.error] == ["not enough memory"] * 2


def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    """SIGKILL at any moment: no part of a file, and the second run does exactly what is missing."""
    (tmp_path / "photos").mkdir()
    for index in range(40):
        Image.fromarray(photo(index)).save(tmp_path / "photos" / f"{index:02}.png")
    command = [sys.executable, "-m", "veilseg.cli.main", "encrypt", "photos", "-o", "veiled"]
    options = {"cwd": tmp_path, "env": {"PYTHONPATH": SOURCE, "PATH": "/usr/bin:/bin"}}
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    end = time.monotonic() + PATIENCE
    while len(list((tmp_path / "veiled").glob("*.png"))) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "veiled").glob("[!.]*.png")}
    second = subprocess.run(command, capture_output=True, text=True, check=True, **options)  # type: ignore[call-overload]
    assert f"{40 - len(done)} done, {len(done)} skipped" in second.stderr
    for index in range(40):
        path = tmp_path / "veiled" / f"{index:02}.png"
        assert path.read_bytes() == veilseg.cipher("subblock-sort").encrypt(photo(index)).to_bytes()
        assert done.get(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
