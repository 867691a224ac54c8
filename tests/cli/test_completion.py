"""Completion, in a real bash and as zsh and fish ask for it; and --version for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import veilseg
from tests.service import SOURCE

VEILSEG = str(Path(sys.executable).with_name("veilseg"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": SOURCE, "PATH": f"{Path(VEILSEG).parent}:{os.environ['PATH']}"}


def completed(line: str) -> set[str]:
    """The words that bash offers for the last word of a line."""
    words = line.split(" ")
    script = (
        'eval "$(veilseg --completion bash)"\n'
        f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
        "complete -p veilseg >&2\n_veilseg_completion veilseg\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=True
    )
    assert "-F _veilseg_completion veilseg" in done.stderr
    return set(done.stdout.split())


def test_bash_completes_verbs_and_options() -> None:
    assert completed("veilseg enc") == {"encrypt", "encrypt-model"}
    assert completed("veilseg segment --ser") == {"--server"}
    assert completed("veilseg data ch") == {"check"}


@pytest.mark.parametrize(
    ("shell", "asking"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "veilseg key"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "veilseg key", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_zsh_and_fish_are_answered(shell: str, asking: dict[str, str]) -> None:
    environment = {**ENVIRONMENT, **asking, "_VEILSEG_COMPLETE": f"complete_{shell}"}
    done = subprocess.run([VEILSEG], env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert "keygen" in done.stdout
    assert "encrypt" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_every_shell(shell: str) -> None:
    command = [VEILSEG, "--completion", shell]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=True)
    assert f"_VEILSEG_COMPLETE=complete_{shell}" in done.stdout


def test_no_other_shell(cli) -> None:
    assert cli("--completion", "ksh").err == "error: there is no completion for 'ksh'\nhint: one of bash, zsh, fish\n"
    assert cli("--completion").code == 2


def test_a_version_for_programs(cli) -> None:
    told = json.loads(cli("--version", "--json").text)
    assert told["veilseg"] == veilseg.__version__
    assert told["numpy"]
    assert cli("--version", "--xml").code == 2
