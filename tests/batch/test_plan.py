"""Which input becomes which output, what is refused before anything is done, and what is left out and named."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilseg.batch import Plan, Task, make_plan
from veilseg.batch.locations import address_of, join, location_of
from veilseg.errors import InvalidImageError, UsageError, VeilsegError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    touch("in/b.png", "in/a.jpg", "in/notes.txt", "one.jpg", "out/deep/x.tiff", "out/.trash/y.png", "out/deep/.z.png")
    Path("empty").mkdir()
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())


def pairs(plan: Plan) -> list[tuple[str, str]]:
    return [(task.inputs[0], task.outputs[0]) for task in plan.tasks]


def left_out(plan: Plan) -> dict[str, str]:
    return {one.name: str(one.error) for one in plan.left_out}


@pytest.mark.parametrize(
    ("inputs", "output", "tasks", "folders"),
    [
        (["one.jpg"], "v.png", [("one.jpg", "v.png")], ()),
        (["one.jpg"], "out", [("one.jpg", "out/one.png")], ("out",)),
        (["one.jpg"], "new/", [("one.jpg", "new/one.png")], ("new/",)),
        (["one.jpg"], "-", [("one.jpg", "-")], ()),
        (["-"], None, [("-", "-")], ()),
        (["-"], "-", [("-", "-")], ()),
        (["-"], "v.png", [("-", "v.png")], ()),
        (["in"], "new", [("in/a.jpg", "new/a.png"), ("in/b.png", "new/b.png")], ("new",)),
        (
            ["one.jpg", "in"],
            "new",
            [("one.jpg", "new/one.png"), ("in/a.jpg", "new/a.png"), ("in/b.png", "new/b.png")],
            ("new",),
        ),
        (["."], "in", [("one.jpg", "in/one.png"), ("out/deep/x.tiff", "in/out/deep/x.png")], ("in",)),
        (["one.jpg"], "/dev/null", [("one.jpg", "/dev/null")], ()),
        (["one.jpg"], "memory://b/v.png", [("one.jpg", "memory://b/v.png")], ()),
        (["one.jpg"], "memory://b/", [("one.jpg", "memory://b/one.png")], ("memory://b",)),
        (["in"], "memory://b/new/", [("in/a.jpg", "memory://b/new/a.png"), ("in/b.png", "memory://b/new/b.png")], None),
    ],
)
def test_pairs(
    inputs: list[str], output: str | None, tasks: list[tuple[str, str]], folders: tuple[str, ...] | None
) -> None:
    plan = make_plan(inputs, output, verb="encrypt")
    assert pairs(plan) == tasks
    assert plan.left_out == []
    assert folders is None or plan.folders == folders
    assert not Path("new").exists(), "planning changes nothing"


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["one.jpg"], None, "no output is named"),
        (["in"], None, "no output is named"),
        (["-", "one.jpg"], "out", "stdin"),
        (["in"], "-", "takes one image"),
        (["-"], "out", "no name for a file"),
        (["in"], "one.jpg", "names a file"),
        (["in"], "new.png", "names a file"),
        (["one.jpg", "in/b.png"], "new.png", "names a file"),
        (["empty"], "new", "has no images"),
        (["one.jpg"], "v.jpg", "PNG under another name"),
        (["one.jpg"], "memory://b/v.jpg", "memory://b/v.jpg would be a PNG under another name"),
        (["in/b.png"], "in/b.png", "also an input"),
        (["in/b.png"], "in/../in/b.png", "also an input"),
        (["in/b.png"], "in", "also an input"),
        (["in"], "in", "also an input"),
        (["out"], "out/../out/", "also an input"),
        (["out/deep"], "out", "lies in the output"),
        (["one.jpg", "in/../one.jpg"], "out", "both become"),
    ],
)
def test_refusals(inputs: list[str], output: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        make_plan(inputs, output, verb="encrypt")
    assert caught.value.hint


def test_a_missing_input_is_named() -> None:
    for output in ("v.png", "new"):
        with pytest.raises(VeilsegError, match="photoss does not exist"):
            make_plan(["photoss"], output, verb="encrypt")
    plan = make_plan(["none.jpg", "one.jpg"], "out", verb="encrypt")
    assert [outcome.name for outcome in plan.left_out] == ["none.jpg"], "of several it is left out"
    assert [source for source, _ in pairs(plan)] == ["one.jpg"]


def test_output_that_links_to_the_input() -> None:
    Path("link.png").symlink_to("one.jpg")
    with pytest.raises(UsageError, match="also an input"):
        make_plan(["one.jpg"], "link.png", verb="encrypt")


def test_buckets_are_planned_as_folders_are() -> None:
    bucket = f"memory://{secrets.token_hex(4)}"
    for name in ("a.jpg", "deep/b.tif", "deep/notes.txt", "c.dng", ".hidden.png", "veiled/old.png"):
        location_of(bucket).write(join(bucket, name), b"", overwrite=False)
    plan = make_plan([f"{bucket}/"], f"{bucket}/veiled", verb="encrypt")
    assert pairs(plan) == [
        (f"{bucket}/a.jpg", f"{bucket}/veiled/a.png"),
        (f"{bucket}/deep/b.tif", f"{bucket}/veiled/deep/b.png"),
    ]
    assert list(left_out(plan)) == [f"{bucket}/c.dng"]
    location_of(bucket).write(f"{bucket}/veiled/a.png", b"", overwrite=False)
    assert [task.inputs for task in plan.missing()] == [(f"{bucket}/deep/b.tif",)]
    for inputs, output, message in (
        (bucket, f"{bucket}/", "also an input"),
        (f"{bucket}/deep", bucket, "lies in the output"),
        (f"{bucket}/none", "out", "does not exist"),
    ):
        with pytest.raises(VeilsegError, match=message):
            make_plan([inputs], output, verb="encrypt")


def test_what_looks_like_an_image_and_is_not_read_is_named() -> None:
    touch("in/deep/c.DNG", "in/d.gif", "in/e.nef", "in/clip.MP4", "in/f.svg", "in/failures.jsonl", "in/.g.dng")
    touch("in/h.jfif")
    plan = make_plan(["in"], "new", verb="encrypt")
    assert pairs(plan) == [("in/a.jpg", "new/a.png"), ("in/b.png", "new/b.png"), ("in/h.jfif", "new/h.png")]
    found = left_out(plan)
    assert set(found) == {"in/deep/c.DNG", "in/d.gif", "in/e.nef", "in/clip.MP4", "in/f.svg"}
    assert "DNG is not read" in found["in/deep/c.DNG"]
    assert "convert it to JPEG or PNG" in found["in/e.nef"]
    assert "save the picture that you mean as PNG" in found["in/d.gif"]
    assert "veilseg segment clip.mp4 -o maps.mp4 --server" in found["in/clip.MP4"]


def test_a_folder_of_other_kinds_alone_is_no_empty_one() -> None:
    touch("phone/a.dng")
    plan = make_plan(["phone"], "new", verb="encrypt")
    assert (plan.tasks, list(left_out(plan))) == ([], ["phone/a.dng"])
    with pytest.raises(InvalidImageError, match="DNG is not read"):
        make_plan(["phone/a.dng"], "v.png", verb="encrypt")
    plan = make_plan(["phone/a.dng", "one.jpg"], "new", verb="encrypt")
    assert (pairs(plan), list(left_out(plan))) == ([("one.jpg", "new/one.png")], ["phone/a.dng"])


def test_links_are_followed_and_circles_named() -> None:
    touch("elsewhere/far/c.png", "elsewhere/d.png")
    Path("in/linked").symlink_to("../elsewhere")
    Path("in/again").symlink_to("../elsewhere/far")
    Path("in/e.png").symlink_to("../one.jpg")
    Path("elsewhere/back").symlink_to("../in")
    Path("in/self").symlink_to(".")
    Path("in/loop").symlink_to("loop")
    Path("in/gone").symlink_to("/nowhere")
    plan = make_plan(["in"], "new", verb="encrypt")
    names = ["a.jpg", "again/c.png", "b.png", "e.png", "linked/d.png", "linked/far/c.png"]
    assert [source for source, _ in pairs(plan)] == [f"in/{name}" for name in names]
    found = left_out(plan)
    assert set(found) == {"in/linked/back", "in/self", "in/loop", "in/gone"}
    assert found["in/self"] == found["in/linked/back"] == "it is a link to a folder that it lies in"
    assert "No such file" in found["in/gone"]


def test_a_linked_output_is_no_input() -> None:
    Path("in/results").symlink_to("../new")
    Path("new").mkdir()
    touch("new/old.png")
    assert [source for source, _ in pairs(make_plan(["in"], "new", verb="encrypt"))] == ["in/a.jpg", "in/b.png"]


def test_what_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as pipe:
        pipe.bind("in/socket.png")
    touch("in/locked/c.png")
    iterdir = Path.iterdir

    def refuse(self: Path) -> object:  # the superuser, who may run this, is refused nothing
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = left_out(make_plan(["in"], "new", verb="encrypt"))
    assert "Permission denied" in found.pop("in/locked")
    assert found == {"in/socket.png": "it is a device or a pipe"}


def test_what_has_all_its_outputs_is_not_missing() -> None:
    touch("new/a.png", "new/b.png", "seen/b.png")
    tasks = [Task((f"in/{name}",), (f"new/{name}.png", f"seen/{name}.png")) for name in "abc"]
    assert Plan(tasks, [], ("new", "seen")).missing() == [tasks[0], tasks[2]]
    Path("new/d.png").mkdir()
    assert Plan([Task(("x",), ("new/d.png",))], []).missing(), "a folder is no output"
    assert make_plan(["one.jpg"], "/dev/null", verb="encrypt").missing(), "neither is a device"


def test_what_cannot_be_written_is_refused_before_the_work() -> None:
    make_plan(["in"], "new/deep", verb="encrypt").check()
    for inputs, output, message in (
        ("one.jpg", "nowhere/v.png", "the folder nowhere does not exist"),
        ("in", "one.jpg/new", "is not a folder"),
    ):
        plan = make_plan([inputs], output, verb="encrypt")
        with pytest.raises(VeilsegError, match=message):
            plan.check()
    assert not Path("new").exists()


@given(st.sets(st.from_regex(r"[ab]{1,2}(/[ab]{1,2})?\.(png|jpg|tif)", fullmatch=True), min_size=1))
def test_every_input_has_its_own_output(names: set[str]) -> None:
    bucket = address_of(f"memory://{secrets.token_hex(4)}/x")
    for name in names:
        location_of(bucket).write(join(bucket, name), b"", overwrite=False)
    collide = len({name.rpartition(".")[0] for name in names}) < len(names)
    if collide:
        with pytest.raises(UsageError, match="would both become"):
            make_plan([bucket], "memory://out", verb="encrypt")
        return
    plan = make_plan([bucket], "memory://out", verb="encrypt")
    assert {below for below, _ in pairs(plan)} == {f"{bucket}/{name}" for name in names}
    for source, output in pairs(plan):
        assert output.removeprefix("memory://out/").rpartition(".")[0] == source.removeprefix(f"{bucket}/")[:-4]
