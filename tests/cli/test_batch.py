"""Which input becomes which output, and what happens when one of many fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from veilseg.cli.batch import Plan, plan, run
from veilseg.errors import InvalidImageError, UsageError, VeilsegError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("in/b.png", "in/a.jpg", "in/notes.txt", "one.jpg"):
        Path(name).write_bytes(name.encode())
    Path("out").mkdir()
    Path("out/deep").mkdir()
    for name in ("out/deep/x.tiff", "out/.trash/y.png", "out/deep/.z.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(name.encode())
    Path("empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "output", "jobs", "made"),
    [
        (["one.jpg"], "v.png", [("one.jpg", "v.png")], None),
        (["one.jpg"], "out", [("one.jpg", "out/one.png")], "out"),
        (["one.jpg"], "new/", [("one.jpg", "new/one.png")], "new"),
        (["one.jpg"], "-", [("one.jpg", "-")], None),
        (["-"], None, [("-", "-")], None),
        (["-"], "-", [("-", "-")], None),
        (["-"], "v.png", [("-", "v.png")], None),
        (["in"], "new", [("in/a.jpg", "new/a.png"), ("in/b.png", "new/b.png")], "new"),
        (
            ["one.jpg", "in"],
            "new",
            [("one.jpg", "new/one.png"), ("in/a.jpg", "new/a.png"), ("in/b.png", "new/b.png")],
            "new",
        ),
        (["."], "in", [("one.jpg", "in/one.png"), ("out/deep/x.tiff", "in/out/deep/x.png")], "in"),
        (["one.jpg"], "/dev/null", [("one.jpg", "/dev/null")], None),
    ],
)
def test_pairs(inputs: list[str], output: str | None, jobs: list[tuple[str, str]], made: str | None) -> None:
    assert plan(inputs, output, verb="encrypt") == Plan(jobs, Path(made) if made else None)
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
        (["in/b.png"], "in/b.png", "also an input"),
        (["in/b.png"], "in/../in/b.png", "also an input"),
        (["in/b.png"], "in", "also an input"),
        (["in"], "in", "also an input"),
        (["out"], "out/../out/", "also an input"),
        (["one.jpg", "in/../one.jpg"], "out", "both become"),
    ],
)
def test_refusals(inputs: list[str], output: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        plan(inputs, output, verb="encrypt")
    assert caught.value.hint


def test_output_that_links_to_the_input() -> None:
    Path("link.png").symlink_to("one.jpg")
    with pytest.raises(UsageError, match="also an input"):
        plan(["one.jpg"], "link.png", verb="encrypt")


def fussy(data: bytes, source: str) -> bytes:
    if data == b"in/a.jpg":
        raise InvalidImageError("this one is broken", "mend it")
    return data.upper()


def upper(data: bytes, source: str) -> bytes:
    return data.upper()


def test_subfolders_keep_their_places() -> None:
    assert run(plan(["out"], "new", verb="encrypt"), upper, doing="encrypting", force=False) == 0
    assert Path("new/deep/x.png").read_bytes() == b"OUT/DEEP/X.TIFF"


def test_a_missing_folder_is_refused_before_the_work() -> None:
    with pytest.raises(VeilsegError, match="the folder nowhere does not exist"):
        run(plan(["one.jpg"], "nowhere/v.png", verb="encrypt"), pytest.fail, doing="encrypting", force=False)


def test_an_interruption_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(data: bytes, source: str) -> bytes:
        if source == "in/b.png":
            raise KeyboardInterrupt
        return data

    with pytest.raises(KeyboardInterrupt):
        run(plan(["in"], "new", verb="encrypt"), interrupted, doing="encrypting", force=False)
    message = capsys.readouterr().err
    assert message.startswith("interrupted: 1 of 2 images written to new")
    assert "the same command does the rest" in message
    assert message.count("\n") == 1
    assert [path.name for path in Path("new").iterdir()] == ["a.png"]


def test_one_failure_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan(["one.jpg", "in"], "new", verb="encrypt"), fussy, doing="encrypting", force=False) == 1
    assert {path.name: path.read_bytes() for path in Path("new").iterdir()} == {
        "one.png": b"ONE.JPG",
        "b.png": b"IN/B.PNG",
    }
    assert (
        capsys.readouterr().err == "error: in/a.jpg: this one is broken\nhint: mend it\n2 of 3 images written to new\n"
    )


def test_missing_inputs_are_reported_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan(["none.jpg", "one.jpg"], "out", verb="encrypt"), fussy, doing="encrypting", force=False) == 1
    assert "error: none.jpg: none.jpg does not exist" in capsys.readouterr().err
    assert Path("out/one.png").exists()


def test_a_single_failure_is_raised() -> None:
    with pytest.raises(InvalidImageError, match="broken"):
        run(plan(["in/a.jpg"], "v.png", verb="encrypt"), fussy, doing="encrypting", force=False)
    assert not Path("v.png").exists()


def test_existing_outputs_need_force() -> None:
    Path("v.png").write_bytes(b"old")
    jobs = plan(["one.jpg"], "v.png", verb="encrypt")
    worked: list[bytes] = []
    with pytest.raises(VeilsegError, match="exists already"):
        run(jobs, lambda data, source: worked.append(data) or data, doing="encrypting", force=False)
    assert not worked, "refused before the work"
    assert Path("v.png").read_bytes() == b"old"
    run(jobs, fussy, doing="encrypting", force=True)
    assert Path("v.png").read_bytes() == b"ONE.JPG"


def test_progress_shows_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(plan(["in"], "out", verb="encrypt"), upper, doing="encrypting", force=False)
    assert capsys.readouterr().err == "2 of 2 images written to out\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    run(plan(["in"], "out", verb="encrypt"), upper, doing="encrypting", force=True)
    assert "encrypting" in capsys.readouterr().err


def test_binary_on_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(UsageError, match="terminal"):
        run(plan(["one.jpg"], "-", verb="encrypt"), fussy, doing="encrypting", force=False)
    assert capsys.readouterr().out == ""
