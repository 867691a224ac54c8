"""What is said while many images are worked on, and what a verb returns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veilseg.batch import Plan, make_plan, run_here
from veilseg.batch.operations import Files
from veilseg.cli.batch import run
from veilseg.errors import InvalidImageError, UsageError, VeilsegError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.png", "in/a.jpg", "in/notes.txt", "one.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(name.encode())
    return tmp_path


def operation(work: Callable[[Any], bytes] = bytes.upper) -> Any:
    """An operation that does as `work` does."""
    return SimpleNamespace(doing="encrypting", open=lambda: lambda data: Files((work(data),)))


def fussy(data: bytes) -> bytes:
    if data == b"in/a.jpg":
        raise InvalidImageError("this one is broken", "mend it")
    return data.upper()


def plan(*inputs: str, output: str = "new") -> Plan:
    return make_plan(inputs, output, verb="encrypt")


def test_a_second_run_skips(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan("in"), operation(), run_here, force=False) == 0
    assert capsys.readouterr().err == "2 done\n"
    Path("new/a.png").unlink()
    Path("new/b.png").write_bytes(b"kept")
    assert run(plan("in"), operation(), run_here, force=False) == 0
    assert capsys.readouterr().err == "1 done, 1 skipped (they exist; --force does them again)\n"
    assert Path("new/b.png").read_bytes() == b"kept"
    assert run(plan("in"), operation(pytest.fail), run_here, force=False) == 0
    assert capsys.readouterr().err.startswith("0 done, 2 skipped")
    assert run(plan("in"), operation(), run_here, force=True) == 0
    assert Path("new/b.png").read_bytes() == b"IN/B.PNG"


def test_the_same_rule_for_one_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan("one.jpg", output="v.png"), operation(), run_here, force=False) == 0
    assert capsys.readouterr().err == ""
    Path("v.png").write_bytes(b"kept")
    assert run(plan("one.jpg", output="v.png"), operation(pytest.fail), run_here, force=False) == 0
    assert capsys.readouterr().err == "skipped: v.png exists; --force does it again\n"
    assert Path("v.png").read_bytes() == b"kept"
    assert run(plan("one.jpg", output="v.png"), operation(), run_here, force=True) == 0
    assert Path("v.png").read_bytes() == b"ONE.JPG"


def test_one_failure_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/c.jpg").write_bytes(b"in/a.jpg")
    assert run(plan("one.jpg", "in", "none.png"), operation(fussy), run_here, force=False) == 1
    assert {path.name: path.read_bytes() for path in Path("new").iterdir()} == {
        "one.png": b"ONE.JPG",
        "b.png": b"IN/B.PNG",
    }
    assert capsys.readouterr().err.splitlines() == [
        "error: in/a.jpg: this one is broken",
        "hint: mend it",
        "error: in/c.jpg: this one is broken",
        "left out: none.png: it does not exist",
        "hint: check the name",
        "2 done, 2 failed, 1 left out",
    ]


def test_what_is_left_out_is_named_and_makes_the_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("in/c.psd", "in/d.gif"):
        Path(name).touch()
    for said in ("2 done, 2 left out", "0 done, 2 skipped (they exist; --force does them again), 2 left out"):
        assert run(plan("in"), operation(), run_here, force=False) == 1
        assert capsys.readouterr().err.splitlines() == [
            "left out: in/c.psd: PSD is not read",
            "hint: convert it to JPEG or PNG",
            "left out: in/d.gif: GIF is not read",
            "hint: save the picture that you mean as PNG; or all as a video, as MP4",
            said,
        ]


def test_an_interruption_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(data: bytes) -> bytes:
        if data == b"in/b.png":
            raise KeyboardInterrupt
        return data

    with pytest.raises(KeyboardInterrupt):
        run(plan("in"), operation(interrupted), run_here, force=False)
    said = "interrupted: 1 done; every output is whole, and the same command does the rest\n"
    assert capsys.readouterr().err == said
    assert [path.name for path in Path("new").iterdir()] == ["a.png"]


def test_an_executor_that_gives_up_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    def lost(*arguments: object, **options: object):
        yield next(run_here(*arguments, **options))  # type: ignore[arg-type]
        raise VeilsegError("the cluster is gone")

    with pytest.raises(VeilsegError, match="is gone"):
        run(plan("in"), operation(), lost, force=False)
    assert capsys.readouterr().err == "1 done\n"


def test_a_single_failure_is_raised() -> None:
    with pytest.raises(InvalidImageError, match="broken"):
        run(plan("in/a.jpg", output="v.png"), operation(fussy), run_here, force=False)
    assert not Path("v.png").exists()


def test_what_cannot_be_written_is_refused_before_the_work() -> None:
    with pytest.raises(VeilsegError, match="the folder nowhere does not exist"):
        run(plan("one.jpg", output="nowhere/v.png"), operation(pytest.fail), run_here, force=False)
    with pytest.raises(VeilsegError, match="is not a folder"):
        run(plan("in", output="one.jpg/new"), operation(pytest.fail), run_here, force=False)


def test_progress_shows_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(plan("in"), operation(), run_here, force=False)
    assert capsys.readouterr().err == "2 done\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    run(plan("in"), operation(), run_here, force=True)
    assert "encrypting" in capsys.readouterr().err


def test_binary_on_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(UsageError, match="terminal"):
        run(plan("one.jpg", output="-"), operation(pytest.fail), run_here, force=False)
    assert capsys.readouterr().out == ""
