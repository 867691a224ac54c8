"""docs/privacy.md, verb by verb: no socket but the asked-for one, no name looked up, no file but outputs and caches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.models.openmmlab_reference import random_state, saved
from tests.service import reserved_port
from tests.traced import Trace, traced
from veilseg.cli.main import VERBS

RECIPE = """
model: {arguments: {widths: [8, 8, 8, 8], depths: [0, 1, 1, 1], decoder_width: 8}}
data: {train: [{source: "scenes:3"}], val: {source: "scenes:2:1"}}
augment: {crop: [48, 48]}
train: {steps: 2, batch: 2, validate_every: 2, checkpoint_every: 1, average: 0.5}
machine: {workers: 1, threads: 1}
"""
#: In this order: what one writes, others read.
COMMANDS = [
    "keygen -o my.key",
    "encrypt photos -o encrypted",
    "encrypt photos/0.png -o shuffled.png --cipher subblock-shuffle --key my.key",
    "decrypt shuffled.png -o plain.png --key my.key",
    "inspect shuffled.png",
    "segment encrypted -o labels --overlay seen --photo photos",
    "token add somebody --file tokens.json",
    "evaluate --data scenes:2 --json plain.json",
    "data import masks:masks --images photos -o data",
    "data check data -o check.html --json check.json",
    "data export data --split train -o coco.json",
    "init data -o data.yaml",
    "train tiny.yaml -o run",
    "encrypt-model plain --key my.key -o with-key",
    "rekey-model with-key --old my.key --new my.key -o again",
    "import-openmmlab setr.pth -o setr --heads 2",
    "export run -o exported",
    "audit --cipher subblock-sort --images photos -o audit",
    "bench --height 64 --width 64 --repeats 1 --no-segmentation",
    "demo -o demo --scenes 1",
]
_SERVE = """
import subprocess, sys, time, urllib.request
run = [sys.executable, "-P", "-m", "veilseg.cli.main"]
service = subprocess.Popen([*run, "serve", "--port", "PORT", "--threads", "1", *sys.argv[1:]])
for _ in range(3000):
    try:
        urllib.request.urlopen("http://127.0.0.1:PORT/readyz").read()
        break
    except OSError:
        time.sleep(0.1)
code = subprocess.call([*run, "segment", "photos", "-o", "served", "--server", "http://127.0.0.1:PORT"])
service.terminate()
sys.exit(code or service.wait())
"""
#: Below HOME, as docs/privacy.md lists them.
CACHES = (".cache/matplotlib", ".config/matplotlib")
#: The name service's cache, which the C library asks who the user is; nobody outside of this machine.
LOCAL = "/var/run/nscd/socket"
#: Bound, not connected to: urllib3, which sends traces, finds out whether this machine has IPv6.
TRIED = "::1:0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private")
    (folder / "photos").mkdir()
    (folder / "masks").mkdir()
    (folder / "tmp").mkdir()
    (folder / "tiny.yaml").write_text(RECIPE)
    saved(folder / "setr.pth", random_state("naive"))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    for index, photo in enumerate(pixels):
        Image.fromarray(photo).save(folder / "photos" / f"{index}.png")
        Image.fromarray(photo[..., 0] // 128).save(folder / "masks" / f"{index}.png")
    return folder


def strange_files(trace: Trace, folder: Path) -> set[Path]:
    """What was written that is no output, no cache, and nothing that ends with the process."""
    home = folder / "home"

    def known(path: Path) -> bool:
        if path.is_relative_to(home):
            return any(path.is_relative_to(home / cache) or path in (home / cache).parents for cache in CACHES)
        passing = path == Path("/dev/null") or path.is_relative_to("/dev/shm")
        return passing or "__pycache__" in path.parts or path.is_relative_to(folder)

    return {path for path in trace.written if not known(path)}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command.split()[:2]))
def test_a_verb_opens_no_socket_and_leaves_no_file(command: str, folder: Path) -> None:
    trace = traced(folder, "-m", "veilseg.cli.main", *command.split(), environment={"TMPDIR": str(folder / "tmp")})
    assert trace.code == 0, trace.output
    assert {name for name in trace.sockets if not name.startswith(str(folder))} <= {LOCAL}
    assert not strange_files(trace, folder)


@pytest.mark.parametrize("traces", [False, True])
def test_a_service_and_its_client_open_what_they_are_told_to(traces: bool, folder: Path) -> None:
    with reserved_port() as port, reserved_port() as collector:  # nothing collects: spans are lost
        arguments = ["--traces", f"http://127.0.0.1:{collector}/v1/traces"] if traces else []
        script = _SERVE.replace("PORT", str(port))
        trace = traced(folder, "-c", script, *arguments, environment={"TMPDIR": str(folder / "tmp")})
    assert trace.code == 0, trace.output
    asked_for = {f"127.0.0.1:{port}", *([f"127.0.0.1:{collector}"] if traces else [])}
    assert asked_for <= trace.sockets <= asked_for | {LOCAL, *([TRIED] if traces else [])}
    assert not strange_files(trace, folder)


def test_every_verb_is_looked_at() -> None:
    assert {command.split()[0] for command in COMMANDS} | {"serve"} == set(VERBS)


@pytest.mark.parametrize("said", ["", "0"])
def test_no_variable_switches_telemetry_on(said: str, folder: Path) -> None:
    code = "import veilseg; veilseg.Segmenter('plain')"
    trace = traced(folder, "-c", code, environment={"ORT_DISABLE_TELEMETRY": said, "RAY_USAGE_STATS_ENABLED": "1"})
    assert trace.code == 0, trace.output
    assert not trace.sockets
    assert not strange_files(trace, folder)


def test_the_trace_sees_what_it_must(folder: Path, tmp_path: Path) -> None:
    """Without the switch ONNX Runtime does what docs/privacy.md says, or the test looks in the wrong place."""
    code = f"import socket; socket.socket().connect_ex(('127.0.0.1', 9)); open({str(tmp_path / 'x')!r}, 'w')"
    trace = traced(folder, "-c", code)
    assert trace.sockets == {"127.0.0.1:9"}
    assert strange_files(trace, folder) == {tmp_path / "x"}


def test_importing_onnx_runtime_first_is_noticed() -> None:
    code = "import onnxruntime as o; o.disable_telemetry_events = lambda: print('off'); import veilseg"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "off\n"
