"""The frame of the command: verbs, help, errors, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import veilseg
from veilseg.cli import main as frame
from veilseg.errors import InvalidImageError, UsageError
from veilseg.install import install_hint


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Register a function as the verb `probe`."""

    def register(function: Callable[..., object]) -> None:
        module = types.ModuleType("veilseg_probe")
        module.command = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "veilseg_probe", module)
        monkeypatch.setitem(frame.VERBS, "probe", ("veilseg_probe", "a probe"))

    return register


def test_overview_names_every_verb(cli) -> None:
    done = cli("--help")
    assert done.code == 0
    for name, (_, short) in frame.VERBS.items():
        assert f"  {name} " in done.text
        assert short in done.text
    assert done.err == ""


def test_no_arguments_is_wrong_usage(cli) -> None:
    done = cli()
    assert (done.code, done.out) == (2, b"")
    assert "usage: veilseg" in done.err


def test_version(cli) -> None:
    assert cli("--version").text == f"veilseg {veilseg.__version__}\n"


@pytest.mark.parametrize("name", sorted(frame.VERBS))
def test_help_of_every_verb_shows_an_example(cli, name: str) -> None:
    done = cli(name, "--help")
    assert done.code == 0
    assert f"veilseg {name} " in done.text.partition("Example")[2]


def test_examples_keep_their_lines(cli, verb) -> None:
    def command() -> None:
        """Do something
        that takes two lines to say.

        Examples:
          veilseg probe one
          veilseg probe two
        """

    verb(command)
    text = cli("probe", "--help").text
    assert "Do something that takes two lines to say.\n" in text
    assert "Examples:\n    veilseg probe one\n    veilseg probe two\n" in text


def test_unknown_verb(cli) -> None:
    done = cli("encrpt")
    assert done.code == 2
    assert done.err == "error: there is no verb 'encrpt'\nhint: did you mean 'encrypt'?\n"
    assert "--help" in cli("xyzzy").err


@pytest.mark.parametrize("arguments", [["encrypt"], ["encrypt", "a.jpg", "--block", "many"], ["decrypt", "--wrong"]])
def test_wrong_usage(cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("error: ")
    assert f"hint: `veilseg {arguments[0]} --help` shows an example\n" in done.err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InvalidImageError("it is broken", "mend it"), 1, "error: it is broken\nhint: mend it\n"),
        (InvalidImageError("it is broken"), 1, "error: it is broken\n"),
        (UsageError("no such thing", "take another"), 2, "error: no such thing\nhint: take another\n"),
        (PermissionError(13, "Permission denied", "x.png"), 1, "error: x.png: Permission denied\n"),
        (MemoryError(), 1, "error: not enough memory\nhint: use smaller images\n"),
        (
            ModuleNotFoundError("No module named 'onnxruntime.capi'", name="onnxruntime.capi"),
            1,
            f"error: this needs the package onnxruntime.capi\nhint: {install_hint('run')}\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_two_lines_and_a_code(cli, verb, error: BaseException, code: int, text: str) -> None:
    def fail() -> None:
        raise error

    verb(fail)
    done = cli("probe")
    assert (done.code, done.err, done.out) == (code, text, b"")


def test_a_defect_is_not_hidden(cli, verb) -> None:
    def fail() -> None:
        raise ModuleNotFoundError("No module named 'veilseg.typo'", name="veilseg.typo")

    verb(fail)
    with pytest.raises(ModuleNotFoundError):
        cli("probe")


def test_return_value_is_the_exit_code(cli, verb) -> None:
    verb(lambda: 1)
    assert cli("probe").code == 1
    verb(lambda: None)
    assert cli("probe").code == 0


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line(cli, verb) -> None:
    verb(lambda: warnings.warn("the key file is readable by others", stacklevel=1))
    assert cli("probe").err == "warning: the key file is readable by others\n"


def test_tracebacks_show_no_locals(tmp_path: Path) -> None:
    """A crash must not print what variables hold: one of them may be a key."""
    crash = "def command():\n    secret = 'xyzzy' * 2\n    raise RuntimeError('crash')\n"
    (tmp_path / "veilseg_probe.py").write_text(crash)
    code = "from veilseg.cli import main as m; m.VERBS['probe'] = ('veilseg_probe', ''); m.main(['probe'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "RuntimeError: crash" in done.stderr
    assert "xyzzyxyzzy" not in done.stderr


def test_installed_command_and_broken_pipe() -> None:
    """The reader may leave early: no traceback then."""
    command = Path(sys.executable).with_name("veilseg")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [str(command), "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    )
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")
