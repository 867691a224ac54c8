"""Exactly one output per input, whatever happens in between: failures, kills, names that collide."""

from __future__ import annotations

import io
import json
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import veilseg
from tests.service import PATIENCE, SOURCE
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.bulk import Encrypt, Outcome, Segment, make_plan, manifest, open_place, process, run_here
from veilseg.errors import InvalidKeyError, InvalidModelError, UsageError, VeilsegError
from veilseg.images import open_image
from veilseg.runtime import Segmenter

SORT = veilseg.cipher("subblock-sort", block=16, sub_block=8)


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


def test_encrypts_as_the_library_does(photos: Path, tmp_path: Path) -> None:
    source, target = open_place(str(photos)), open_place(str(tmp_path / "veiled"))
    outcomes = list(run_here(make_plan(source, target).todo, Encrypt(SORT), source, target))
    assert [one.name for one in outcomes if one.reason] == ["damaged.jpg"]
    wanted = {
        str(Path(name).with_suffix(".png")): SORT.encrypt(open_image(photos / name)).to_bytes()
        for name in ("a.png", "b.bmp", "deep/a.png", "deep/c.tiff")
    }
    assert names_and_bytes(tmp_path / "veiled") == wanted


def test_segments_as_the_library_does(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model", CANONICAL)
    source, target = open_place("memory://veiled"), open_place("memory://labels")
    for index in range(3):
        source.write(f"{index}.png", SORT.encrypt(photo(index)).to_bytes())
    job = Segment(str(model), threads=1)
    assert all(one.reason is None for one in run_here(source.images(), job, source, target, force=True))
    for name in source.images():
        labels = np.asarray(Image.open(io.BytesIO(target.read(name))))
        assert np.array_equal(labels, Segmenter(model, threads=1).segment(source.read(name)))


def test_what_is_there_is_left_alone(photos: Path, tmp_path: Path) -> None:
    source, target = open_place(str(photos)), open_place(str(tmp_path / "veiled"))
    target.write("b.png", b"mine")
    plan = make_plan(source, target)
    assert (plan.todo, plan.there, plan.refused) == (["a.png", "damaged.jpg", "deep/a.png", "deep/c.tiff"], 1, [])
    work = Encrypt(SORT).open()
    assert process("b.bmp", work, source, target) == Outcome("b.bmp")
    assert target.read("b.png") == b"mine"
    assert "b.bmp" in make_plan(source, target, force=True).todo
    process("b.bmp", work, source, target, force=True)
    assert target.read("b.png") == SORT.encrypt(open_image(photos / "b.bmp")).to_bytes()


def test_the_output_may_lie_in_the_input(photos: Path) -> None:
    source, target = open_place(str(photos)), open_place(str(photos / "deep" / "veiled"))
    target.write("old.png", b"")
    assert make_plan(source, target).todo == ["a.png", "b.bmp", "damaged.jpg", "deep/a.png", "deep/c.tiff"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("photos", "photos/", "also the input"),
        ("photos/deep", "photos", "lies in the output"),
        ("memory://x/", "memory://x", "also the input"),
        ("empty", "out", "has no images"),
    ],
)
def test_places_that_make_no_sense(
    source: str, target: str, message: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    with pytest.raises(UsageError, match=message):
        make_plan(open_place(source), open_place(target))


@given(
    st.sets(
        st.tuples(st.sampled_from(["", "x/"]), st.sampled_from("abc"), st.sampled_from([".png", ".jpg", ".tif"])),
        min_size=1,
    ),
    st.sets(st.tuples(st.sampled_from(["", "x/"]), st.sampled_from("abc"))),
)
def test_every_input_is_planned_once_and_no_output_twice(
    inputs: set[tuple[str, str, str]], outputs: set[tuple[str, str]]
) -> None:
    class Names:
        def __init__(self, url: str, names: list[str]) -> None:
            self.url, self._names = url, names

        def images(self) -> list[str]:
            return self._names

    names = sorted(map("".join, inputs))
    plan = make_plan(Names("/in", names), Names("/out", [f"{a}{b}.png" for a, b in outputs]))  # type: ignore[arg-type]
    assert len(plan.todo) + plan.there + len(plan.refused) == len(names)
    made = [name.rpartition(".")[0] for name in plan.todo]
    assert len(set(made)) == len(made)
    assert not set(made) & {f"{a}{b}" for a, b in outputs}
    assert {name.rpartition(".")[0] for name in names} == set(made) | {
        f"{a}{b}" for a, b in outputs if any(name.startswith(f"{a}{b}.") for name in names)
    }


def test_the_manifest_is_json_lines() -> None:
    lines = manifest([Outcome("z.png", "it is broken", "mend it"), Outcome("ä\n.png", "so is this")]).decode()
    assert [json.loads(line)["input"] for line in lines.splitlines()] == ["z.png", "ä\n.png"]
    assert json.loads(lines.splitlines()[0]) == {"input": "z.png", "reason": "it is broken", "hint": "mend it"}
    assert manifest([]) == b""


def test_jobs_travel_without_the_key(tmp_path: Path) -> None:
    key = veilseg.Key.generate()
    key.save(tmp_path / "my.key")
    shuffle = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)
    job = Encrypt(shuffle, str(tmp_path / "my.key"), key.fingerprint)
    sent = pickle.dumps(job)
    assert str(key).encode() not in sent
    assert key.derive("anything") not in sent
    Image.fromarray(photo()).save(tmp_path / "photo.png")
    made = pickle.loads(sent).open()((tmp_path / "photo.png").read_bytes())
    assert np.array_equal(veilseg.EncryptedImage.from_bytes(made).decrypt(key), photo())
    veilseg.Key.generate().save(tmp_path / "my.key", overwrite=True)
    with pytest.raises(InvalidKeyError, match="another key on this machine"):
        pickle.loads(sent).open()


def test_a_job_that_cannot_be_done_is_refused_at_once(photos: Path, tmp_path: Path) -> None:
    places = open_place(str(photos)), open_place(str(tmp_path / "out"))
    with pytest.raises(InvalidModelError):
        next(run_here(["a.png"], Segment(str(tmp_path / "none")), *places))
    with pytest.raises(VeilsegError):
        next(run_here(["a.png"], Encrypt(SORT, str(tmp_path / "none.key"), "0" * 16), *places))
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    """SIGKILL at any moment: no part of a file, and the second run does exactly what is missing."""
    (tmp_path / "photos").mkdir()
    for index in range(40):
        Image.fromarray(photo(index)).save(tmp_path / "photos" / f"{index:02}.png")
    command = [sys.executable, "-m", "veilseg.cli.main", "bulk", "encrypt", "photos", "-o", "veiled"]
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
    assert f"{40 - len(done)} written" in second.stderr
    for index in range(40):
        path = tmp_path / "veiled" / f"{index:02}.png"
        assert path.read_bytes() == veilseg.cipher("subblock-sort").encrypt(photo(index)).to_bytes()
        assert done.get(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
