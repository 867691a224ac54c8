"""Tokens: the file, the verb, and a running service that follows changes of the file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service import HTTP, SOURCE, Service, encrypted, running
from veilseg.cli.main import main
from veilseg.errors import UsageError, VeilsegError
from veilseg.server.tokens import PREFIX, TokenFile


def test_a_token_is_found_until_it_is_revoked(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    first, second = tokens.add("camera-1"), tokens.add("camera-2")
    assert first.startswith(PREFIX)
    assert (tokens.check(first), tokens.check(second)) == ("camera-1", "camera-2")
    assert tokens.check(first[:-1]) is None
    assert tokens.check("") is None
    assert tokens.check("\udcff") is None
    TokenFile(tmp_path / "tokens.json").revoke("camera-1")  # by another process, say
    assert (tokens.check(first), tokens.check(second)) == (None, "camera-2")


def test_the_file_is_private_and_holds_no_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    token = TokenFile(path).add("camera")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token not in path.read_text()
    assert token[len(PREFIX) :] not in path.read_text()


#: A process that waits for the others, then adds tokens; the first of each process is revoked again.
MANY = """
import pathlib, sys, time
from veilseg.server.tokens import TokenFile
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / f"ready-{name}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
tokens = TokenFile(folder / "tokens.json")
for index in range(5):
    tokens.add(f"{name}-{index}")
tokens.revoke(f"{name}-0")
"""


def test_none_is_lost_when_several_processes_write(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.add("before")
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    names = [f"process-{index}" for index in range(6)]
    writers = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path), name], env=environment) for name in names]
    while len(list(tmp_path.glob("ready-*"))) < len(writers):
        assert all(writer.poll() is None for writer in writers)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [writer.wait(300) for writer in writers] == [0] * len(writers)
    assert set(tokens.clients()) == {"before", *(f"{name}-{index}" for name in names for index in range(1, 5))}


def test_refusals(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    with pytest.raises(VeilsegError, match="cannot be read"):
        tokens.check("x")
    tokens.add("camera")
    for name in ("camera", "", "../x", "a b", "x" * 65):
        with pytest.raises(UsageError):
            tokens.add(name)
    with pytest.raises(UsageError):
        tokens.revoke("nobody")
    with pytest.raises(VeilsegError, match="does not exist"):
        TokenFile(tmp_path / "nowhere" / "tokens.json").add("camera")
    with pytest.raises(VeilsegError, match="cannot be read"):
        TokenFile(tmp_path / "none.json").revoke("camera")
    client = '{"a": {"sha256": "zz", "created": ""}}'
    for content in ("", "[]", "[" * 100_000, f'{{"format": 1, "clients": {client}}}', '{"format": 2}'):
        (tmp_path / "tokens.json").write_text(content)
        with pytest.raises(VeilsegError, match="no file of tokens"):
            TokenFile(tmp_path / "tokens.json").clients()


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["token", "add", "camera-7"]) == 0
    token = capsys.readouterr().out.strip()
    assert TokenFile("tokens.json").check(token) == "camera-7"
    assert main(["token", "list"]) == 0
    assert capsys.readouterr().out.startswith("camera-7\t")
    assert main(["token", "revoke", "camera-7"]) == 0
    assert TokenFile("tokens.json").check(token) is None
    for wrong in (["add"], ["list", "x"], ["drop", "x"], ["revoke", "camera-7"]):
        assert main(["token", *wrong]) == 2


def test_other_addresses_need_a_token(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(model), "--host", "0.0.0.0"]) == 2
    assert "need tokens" in capsys.readouterr().err
    tokens = TokenFile(tmp_path / "tokens.json")
    tokens.add("a")
    tokens.revoke("a")
    assert main(["serve", str(model), "--host", "0.0.0.0", "--tokens", str(tokens.path)]) == 2
    assert "holds no token" in capsys.readouterr().err


def test_a_plain_model_is_not_served(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["serve", "plain", "--port", "0"]) == 2
    assert "plain images" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_said_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "default", "mine=nope", "--port", "0"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no model 'nope'")


def test_a_running_service_follows_the_file(model: Path, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    first, second = tokens.add("first"), tokens.add("second")

    def status(service: Service, token: str, path: str = "/v1/model") -> int:
        return HTTP.get(service.url + path, headers={"Authorization": f"Bearer {token}".strip()}).status_code

    with running(tmp_path, str(model), "--tokens", str(tokens.path)) as service:
        assert [status(service, token) for token in (first, second, "", "x", f" {first}")] == [200, 200, 401, 401, 200]
        assert HTTP.get(f"{service.url}/v1/model", headers={"Authorization": f"Basic {first}"}).status_code == 401
        refused = service.post(encrypted())
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["error"]["code"] == "no_token"
        assert "Authorization: Bearer" in refused.json()["error"]["hint"]
        assert service.post(encrypted(), headers={"Authorization": f"Bearer {first}"}).status_code == 200
        assert status(service, "x", "/metrics") == 401
        for path in ("/healthz", "/readyz", "/", "/openapi.json"):
            assert HTTP.get(service.url + path).status_code == 200, path
        assert "bearer" in HTTP.get(f"{service.url}/openapi.json").json()["components"]["securitySchemes"]
        tokens.revoke("first")
        third = tokens.add("third")
        assert [status(service, token) for token in (first, second, third)] == [401, 200, 200]
        content = tokens.path.read_bytes()
        tokens.path.write_bytes(b"damaged")
        assert status(service, second) == 503  # nobody gets in, and it does not end the service
        tokens.path.write_bytes(content)
        assert status(service, second) == 200
    log = service.log.read_text()
    assert '"client": "second"' in log
    for token in (first, second, third):
        assert token[len(PREFIX) :] not in log
