"""`veilseg segment --server`: folders, second runs, failures, interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.client.impostor import give, impostor, info, labels
from tests.service import SOURCE, Service
from tests.tiny_onnx import photo
from veilseg.cli.main import main
from veilseg.images import to_png
from veilseg.runtime import Segmenter


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in range(6):
        (tmp_path / "photos" / f"{index}.png").write_bytes(to_png(photo(index, 40, 50)))
    return tmp_path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_folder_of_photographs_with_some_that_fail(
    service: Service, model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "photos" / "broken.png").write_bytes(b"no picture")
    cipher = veilseg.cipher("subblock-sort", sub_block=8)
    cipher.encrypt(photo(9, 40, 50)).save(photos / "photos" / "veiled.png")
    arguments = ["segment", "photos", "-o", "labels", "--server", service.url, "--in-flight", "3"]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "7 done, 1 failed" in said
    assert said.startswith("working size 320 pixels, at most 40 cells a side; writing lower than 8 pixels")
    assert "error: photos/broken.png: " in said
    segmenter = Segmenter(model)
    for index in range(6):
        expected = segmenter.segment(cipher.encrypt(photo(index, 40, 50)))
        assert (read(photos / "labels" / f"{index}.png") == expected).all()
    assert (read(photos / "labels" / "veiled.png") == segmenter.segment(photos / "photos" / "veiled.png")).all()

    (photos / "labels" / "3.png").unlink()
    (photos / "labels" / "4.png").write_bytes(b"kept")
    (photos / "photos" / "broken.png").unlink()
    assert main(arguments) == 0
    assert "1 done, 6 skipped" in capsys.readouterr().err
    assert (photos / "labels" / "4.png").read_bytes() == b"kept"
    assert main([*arguments, "--force"]) == 0
    assert "7 done" in capsys.readouterr().err
    assert (photos / "labels" / "4.png").read_bytes() != b"kept"


def test_subfolders_keep_their_places(service: Service, photos: Path) -> None:
    (photos / "photos" / "day" / "one").mkdir(parents=True)
    (photos / "photos" / "0.png").rename(photos / "photos" / "day" / "one" / "0.png")
    assert main(["segment", "photos", "-o", "labels", "--server", service.url]) == 0
    found = sorted(str(path.relative_to(photos / "labels")) for path in (photos / "labels").rglob("*.png"))
    assert found == ["1.png", "2.png", "3.png", "4.png", "5.png", "day/one/0.png"]


def test_one_photograph(service: Service, photos: Path) -> None:
    assert main(["segment", "photos/0.png", "-o", "one.png", "--server", service.url, "--model", "other"]) == 0
    assert read(photos / "one.png").shape == (40, 50)
    (photos / "one.png").write_bytes(b"kept")
    assert main(["segment", "photos/0.png", "-o", "one.png", "--server", service.url]) == 0
    assert (photos / "one.png").read_bytes() == b"kept"


def test_a_service_that_goes_away_ends_the_run(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def respond(handler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 4:
            give(handler, 200, labels(40, 50))
        else:
            give(handler, 401, b"{}")

    with impostor(respond) as (url, got):
        assert main(["segment", "photos", "-o", "labels", "--server", url, "--in-flight", "1"]) == 1
    assert "2 done, 1 failed, 3 not tried" in capsys.readouterr().err
    assert len(got) == 4


def test_an_interrupted_run_says_how_to_go_on(photos: Path) -> None:
    done = threading.Event()

    def respond(handler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 3:
            give(handler, 200, labels(40, 50))
        else:
            done.wait()

    with impostor(respond) as (url, got):
        command = ["segment", "photos", "-o", "labels", "--server", url, "--in-flight", "1"]
        run = subprocess.Popen(
            [sys.executable, "-P", "-m", "veilseg.cli.main", *command],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SOURCE},
            # Whoever runs these tests in the background may have taught them to ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while len(got) < 3:
            assert run.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)  # it has sent its request: now it waits for the answer
        run.send_signal(signal.SIGINT)
        _, said = run.communicate()
        done.set()
    assert run.returncode == 130, said.decode()
    assert b"interrupted: 1 done; every output is whole, and the same command does the rest" in said
    assert [path.name for path in (photos / "labels").iterdir()] == ["0.png"]


def test_wrong_usage(service: Service, photos: Path) -> None:
    base = ["segment", "photos", "-o", "labels"]
    assert main([*base, "--token", "token.txt"]) == 2
    assert main([*base, "--server", service.url, "--window", "64"]) == 2
    assert main([*base, "--server", "nonsense"]) == 2
    assert main([*base, "--server", service.url, "--ray"]) == 2
