"""Where a figure comes from: what is written beside every result, so that it can be measured again."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import veilseg


def provenance(command: str | None = None, seed: int | None = None) -> dict[str, Any]:
    """{"command", "version", "commit", "seed", "date", "machine"}; `command` defaults to the one that is running."""
    return {
        "command": command or shlex.join([*_program(), *sys.argv[1:]]),
        "version": veilseg.__version__,
        "commit": commit(),
        "seed": seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def html_line(facts: dict[str, Any], about: str) -> str:
    """What `provenance` says, as the last line of a page: version, `about` (seeds and keys), date, machine, command."""
    machine = facts["machine"]
    version = f"veilseg {facts['version']}" + (f" ({facts['commit'][:12]})" if facts["commit"] else "")
    parts = (version, about, facts["date"], f"{machine['processor']}, {machine['cores']} cores")
    return f"{escape(' · '.join(parts))}<br>Made by <code>{escape(facts['command'])}</code>"


def commit() -> str | None:
    """The commit of the checkout that this package runs from, "+changes" when files differ; None when installed."""
    package = Path(veilseg.__file__).resolve().parent
    if package.parent.name != "src" or not (package.parents[1] / ".git").exists():
        return None
    revision, changes = (
        _git(package, *arguments) for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
    )
    return None if revision is None else revision + ("+changes" if changes else "")


def _program() -> list[str]:
    """What is running: a script as called from where one stands, whatever else by its name."""
    program = Path(sys.argv[0])
    if program.suffix != ".py":
        return [program.name]
    try:
        return ["python", program.resolve().relative_to(Path.cwd()).as_posix()]
    except ValueError:  # a script elsewhere: its folder is nobody's business
        return ["python", program.name]


def machine() -> dict[str, Any]:
    """What the figures' speed depends on: processor, cores that may be used, system, versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": _version("onnxruntime"),
        "torch": _version("torch"),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
