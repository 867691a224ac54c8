"""Server, token and model from options, the environment and veilseg.toml: who counts first, and what is refused."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from veilseg.cli import configuration
from veilseg.cli.configuration import choose
from veilseg.cli.main import main
from veilseg.errors import UsageError

A, B = "https://a.example", "https://b.example"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of veilseg.toml, with a token beside it; nothing is set."""
    for name in ("SERVER", "TOKEN", "TOKEN_FILE", "MODEL"):
        monkeypatch.delenv(f"VEILSEG_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "veilseg"
    folder.mkdir(parents=True)
    (folder / "a.token").write_text("of-the-file\n")
    (tmp_path / "option.token").write_text("of the option\n")
    (tmp_path / "variable.token").write_text("of the variable\n")
    return folder


def write(home: Path, text: str) -> None:
    (home / "veilseg.toml").write_text(text)


def test_nothing_is_set(home: Path) -> None:
    assert choose(None, None, None) == configuration.Chosen(None, None, None)


def test_option_before_environment_before_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, f'server = "{A}"\ntoken_file = "a.token"\nmodel = "of-file"')
    assert choose(None, None, None) == configuration.Chosen(A, "of-the-file", "of-file")
    monkeypatch.setenv("VEILSEG_MODEL", "of-variable")
    monkeypatch.setenv("VEILSEG_TOKEN_FILE", str(tmp_path / "variable.token"))
    assert choose(None, None, None) == configuration.Chosen(A, "of the variable", "of-variable")
    monkeypatch.setenv("VEILSEG_TOKEN", "itself")
    assert choose(None, None, None).token == "itself"
    monkeypatch.setenv("VEILSEG_SERVER", B)
    assert choose(None, None, None).server == B
    option = tmp_path / "option.token"
    assert choose(A, option, "of-option") == configuration.Chosen(A, "of the option", "of-option")


def test_the_files_token_is_for_the_files_server_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, f'server = "{A}"\ntoken_file = "a.token"')
    assert choose(B, None, None) == configuration.Chosen(B, None, None)
    monkeypatch.setenv("VEILSEG_SERVER", B)
    assert choose(None, None, None).token is None


def test_here_is_this_machine_and_reads_no_token(home: Path) -> None:
    write(home, f'server = "{A}"\ntoken_file = "missing.token"\nmodel = "street"')
    assert choose("here", None, None) == configuration.Chosen(None, None, "street")


def test_a_file_where_one_works_is_none(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "veilseg.toml").write_text(f'server = "{B}"')
    assert choose(None, None, None).server is None


def test_a_token_is_in_no_repr(home: Path) -> None:
    write(home, f'server = "{A}"\ntoken_file = "a.token"')
    assert "of-the-file" not in repr(choose(None, None, None))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('token = "xyzzy"', "holds a token"),
        ("token = xyzzy", "is no TOML file"),
        ('sever = "https://a.example"', "unknown entry 'sever'"),
        ("server = 5", "server is no text"),
        ('model = ""', "model is no text"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_repeating_it(home: Path, text: str, words: str) -> None:
    write(home, text)
    with pytest.raises(UsageError) as caught:
        choose(None, None, None)
    assert words in caught.value.message
    assert caught.value.hint
    assert "xyzzy" not in str(caught.value)


def test_segment_asks_the_server_of_the_file(home: Path, tmp_path: Path, photo: Path, capfd) -> None:
    """With the token of the file; what the service says is what a person reads."""
    seen: list[str | None] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            body = json.dumps(
                {"error": {"code": "no", "message": "Not today.", "hint": "", "request_id": "0"}}
            ).encode()
            self.send_response(403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        write(home, f'server = "http://127.0.0.1:{server.server_port}"\ntoken_file = "a.token"')
        assert main(["segment", str(photo), "-o", str(tmp_path / "labels.png")]) == 1
        server.shutdown()
    assert seen == ["Bearer of-the-file"]
    error = capfd.readouterr().err
    assert "Not today" in error or "not today" in error
    assert "of-the-file" not in error
