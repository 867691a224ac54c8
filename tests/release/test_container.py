"""The Containerfile without an engine: what it copies is there, its steps run in an empty environment, it serves."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.conftest import ROOT
from tests.service import HTTP, PATIENCE, reserved_port
from veilseg.server.tokens import TokenFile


@pytest.fixture
def port() -> Iterator[str]:
    """A free one."""
    with reserved_port() as reserved:
        yield str(reserved)


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions with their arguments, lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines) if name]


def copied(steps: list[tuple[str, str]]) -> list[str]:
    return [name for kind, rest in steps if kind == "COPY" for name in rest.split()[:-1]]


def test_what_is_copied_exists_and_is_not_ignored(steps: list[tuple[str, str]]) -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert allowed[0] == "*"
    assert len(copied(steps)) > 3
    for name in copied(steps):
        assert (ROOT / name).exists()
        assert f"!{name}" in allowed


def test_what_the_package_is_built_from_is_copied(steps: list[tuple[str, str]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    needed = {*project["project"]["license-files"], *included, "README.md", "pyproject.toml", "src"}
    assert needed <= set(copied(steps))


def test_it_does_not_run_as_root(steps: list[tuple[str, str]]) -> None:
    order = [kind for kind, _ in steps]
    user = dict(steps)["USER"]
    assert all(part.isdigit() and int(part) > 0 for part in user.split(":"))
    assert order.index("USER") > max(index for index, kind in enumerate(order) if kind == "RUN")


@pytest.mark.slow
def test_its_steps_make_a_service_that_is_healthy(steps: list[tuple[str, str]], port: str, tmp_path: Path) -> None:
    """In an empty environment instead of the base image, as this user instead of its own, at another port."""
    context, home = tmp_path / "context", tmp_path / "home"
    context.mkdir()
    home.mkdir()
    for name in copied(steps):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, context / name)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=300)
    variables = dict(each.split("=", 1) for kind, rest in steps if kind == "ENV" for each in shlex.split(rest))
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    variables = {**kept, **variables, "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "HOME": str(home)}
    variables["PATH"] = f"{tmp_path / 'venv' / 'bin'}:/usr/bin:/bin"
    building = {**variables, "HOME": os.environ.get("HOME", str(home))}  # where pip's settings may be
    for kind, rest in steps:
        if kind == "RUN":
            subprocess.run(["sh", "-ec", rest], cwd=context, env=building, check=True, timeout=900)
    tokens = tmp_path / "tokens.json"
    token = TokenFile(tokens).add("somebody")
    (entry,) = (json.loads(rest) for kind, rest in steps if kind == "ENTRYPOINT")
    (health,) = (json.loads(rest[rest.index("[") :]) for kind, rest in steps if kind == "HEALTHCHECK")
    command = [*(part.replace("/run/tokens.json", str(tokens)) for part in entry), "--port", port]
    check = [part.replace("8000", port) for part in health]
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(command, cwd=home, env=variables, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while subprocess.run(check, env=variables, capture_output=True, check=False).returncode:
            assert service.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.5)
        for header, status in ((f"Bearer {token}", 200), ("Bearer none", 401)):
            answer = HTTP.get(f"http://127.0.0.1:{port}/v1/model", headers={"Authorization": header})
            assert answer.status_code == status
    finally:
        service.terminate()
        assert service.wait(PATIENCE) == 0
