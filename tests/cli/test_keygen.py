"""`veilseg keygen`."""

from __future__ import annotations

from pathlib import Path

import pytest

from veilseg.keys import Key


def test_prints_a_key(cli) -> None:
    done = cli("keygen")
    key = Key.parse(done.text)
    assert done.code == 0
    assert done.text.startswith("veilseg-key-1-")
    assert done.err == f"fingerprint: {key.fingerprint}\n"
    assert cli("keygen").text != done.text
    assert Key.parse(cli("keygen", "-o", "-").text) is not None
    assert not Path("-").exists()


def test_a_folder_is_no_key_file(cli) -> None:
    done = cli("keygen", "--fingerprint", ".")
    assert done.code == 1
    assert done.err.startswith("error: the key file . cannot be read")


def test_writes_a_file_for_the_owner_alone(cli) -> None:
    done = cli("keygen", "-o", "my.key")
    assert (done.code, done.out) == (0, b"")
    assert Path("my.key").stat().st_mode & 0o777 == 0o600
    assert f"fingerprint: {Key.load('my.key').fingerprint}\n" in done.err
    assert str(Key.load("my.key")) not in done.err


def test_replaces_a_key_only_when_asked(cli) -> None:
    cli("keygen", "-o", "my.key")
    before = Path("my.key").read_bytes()
    done = cli("keygen", "-o", "my.key")
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "hint: " in done.err
    assert Path("my.key").read_bytes() == before
    assert cli("keygen", "-o", "my.key", "--force").code == 0
    assert Path("my.key").read_bytes() != before


def test_fingerprint(cli) -> None:
    cli("keygen", "-o", "my.key")
    done = cli("keygen", "--fingerprint", "my.key")
    assert (done.code, done.text) == (0, f"{Key.load('my.key').fingerprint}\n")
    assert cli("keygen", "--fingerprint", "my.key", "-o", "other.key").code == 2


def test_fingerprint_of_something_else(cli) -> None:
    Path("bad.key").write_text("veilseg-key-1-notakey\n")
    Path("bad.key").chmod(0o600)
    for name in ("bad.key", "missing.key"):
        done = cli("keygen", "--fingerprint", name)
        assert (done.code, done.out) == (1, b"")
        assert done.err.startswith("error: ")
        assert "notakey" not in done.err


@pytest.mark.filterwarnings("default")
def test_a_key_that_others_can_read_is_warned_of(cli) -> None:
    cli("keygen", "-o", "my.key")
    Path("my.key").chmod(0o644)
    done = cli("keygen", "--fingerprint", "my.key")
    assert done.code == 0
    assert done.err.startswith("warning: the key file my.key can be read by others")
    assert "keys.py" not in done.err
