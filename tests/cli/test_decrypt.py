"""`veilseg decrypt`: the exact pixels come back where a key exists, and a clear word where none does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from veilseg.images import open_image

KEYED = ("subblock-shuffle", "patch-permutation", "patch-rotation")


@pytest.fixture
def keys(cli) -> None:
    assert cli("keygen", "-o", "my.key").code == 0
    assert cli("keygen", "-o", "other.key").code == 0


@pytest.mark.parametrize("name", KEYED)
def test_pixels_come_back_exactly(cli, photo: Path, keys: None, name: str) -> None:
    assert cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", name, "--key", "my.key").code == 0
    done = cli("decrypt", "veiled.png", "--key", "my.key", "-o", "plain.png")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert np.array_equal(open_image("plain.png"), open_image(photo))


def test_streams_and_the_key_from_the_environment(
    cli, photo: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEILSEG_KEY_FILE", "my.key")
    veiled = cli("encrypt", "-", "--cipher", "subblock-shuffle", stdin=photo.read_bytes()).out
    plain = cli("decrypt", "-", stdin=veiled)
    assert plain.code == 0
    assert np.array_equal(open_image(plain.out), open_image(photo))


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize("key", [None, "other.key", "missing.key"])
def test_wrong_or_missing_key(cli, photo: Path, keys: None, name: str, key: str | None) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", name, "--key", "my.key")
    done = cli("decrypt", "veiled.png", "-o", "plain.png", *(["--key", key] if key else []))
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err
    assert not Path("plain.png").exists()


@pytest.mark.parametrize("name", ["subblock-sort", "subblock-quartiles", "mosaic", "subblock-shuffle"])
@pytest.mark.parametrize("key", [[], ["--key", "my.key"]])
def test_where_no_key_exists_there_is_no_way_back(cli, photo: Path, keys: None, name: str, key: list[str]) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png", "--cipher", name)
    done = cli("decrypt", "veiled.png", "-o", "plain.png", *key)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err
    assert not Path("plain.png").exists()


def test_a_photograph_is_not_an_encrypted_image(cli, photo: Path, keys: None) -> None:
    done = cli("decrypt", "photo.png", "-o", "plain.png", "--key", "my.key")
    assert done.code == 1
    assert "not an encrypted image" in done.err


def test_folder(cli, photo: Path, keys: None) -> None:
    Path("veiled").mkdir()
    for name in ("a", "b"):
        cli("encrypt", "photo.png", "-o", f"veiled/{name}.png", "--cipher", "subblock-shuffle", "--key", "my.key")
    cli("encrypt", "photo.png", "-o", "veiled/c.png", "--cipher", "subblock-shuffle", "--key", "other.key")
    done = cli("decrypt", "veiled", "-o", "plain", "--key", "my.key")
    assert done.code == 1
    assert sorted(path.name for path in Path("plain").iterdir()) == ["a.png", "b.png"]
    assert "error: veiled/c.png: " in done.err
    assert done.err.endswith("2 done, 1 failed\n")
    again = cli("decrypt", "veiled", "-o", "plain", "--key", "my.key")
    assert "0 done, 2 skipped" in again.err
