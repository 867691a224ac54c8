"""What goes wrong around a service: a dead worker, clients that leave or dawdle, a full disk, an end under load.

What a service accepted is answered or refused in words, and it serves again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.service import Service, encrypted, running

LIMITS = ("--queue", "3", "--batch", "2")


@pytest.fixture(scope="module")
def small(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a queue of three images."""
    with running(tmp_path_factory.mktemp("small"), str(model), *LIMITS) as started:
        yield started


@pytest.fixture
def held(small: Service) -> Iterator[Service]:
    """The service with its worker stopped in the middle of a batch; it goes on when the test ends."""
    small.until(small.is_ready)
    worker = small.worker
    os.kill(worker, signal.SIGSTOP)
    yield small
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
    small.until(lambda: small.is_ready() and small.metric("veilseg_queue_images") == 0)


def flood(service: Service, count: int) -> tuple[ThreadPoolExecutor, list]:
    pool = ThreadPoolExecutor(count)
    return pool, [pool.submit(service.post, encrypted(index)) for index in range(count)]


def test_a_full_queue_is_said_at_once_and_nothing_accepted_is_lost(held: Service) -> None:
    pool, answers = flood(held, 12)
    held.until(lambda: sum(answer.done() for answer in answers) >= 7)  # at most 2 in the worker, 3 in the queue
    for answer in answers:
        if answer.done():
            refused = answer.result()
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json()["error"]["code"] == "queue_full"
    os.kill(held.worker, signal.SIGCONT)
    statuses = [answer.result().status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert 3 <= statuses.count(200) <= 5
    pool.shutdown()


def test_a_deadline_is_kept_and_a_worker_that_hangs_is_replaced(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--timeout", "5") as service:
        hanging = service.worker
        os.kill(hanging, signal.SIGSTOP)
        pool, answers = flood(service, 2)
        for answer in answers:
            late = answer.result()
            assert late.status_code == 504
            assert "discarded" in late.json()["error"]["message"]
        pool.shutdown()
        service.until(lambda: not Path(f"/proc/{hanging}").exists())
        service.until(lambda: service.post(encrypted()).status_code == 200)


def test_a_killed_worker_is_replaced_and_its_images_are_done_by_the_next(held: Service) -> None:
    before = held.metric("veilseg_worker_restarts_total")
    pool, answers = flood(held, 3)
    held.until(lambda: held.metric("veilseg_queue_images") >= 1)
    killed = held.worker
    os.kill(killed, signal.SIGKILL)
    assert [answer.result().status_code for answer in answers] == [200] * 3
    pool.shutdown()
    assert held.metric("veilseg_worker_restarts_total") == before + 1
    assert held.worker != killed


def test_work_of_clients_that_left_is_dropped(held: Service) -> None:
    before = held.metric("veilseg_clients_left_total")
    connections = []
    for index in range(4):
        body = encrypted(index)
        connection = socket.create_connection(("127.0.0.1", held.port))
        connection.sendall(request_head(len(body)) + body)
        connections.append(connection)
        expected = max(0, index - 1)
        held.until(lambda expected=expected: held.metric("veilseg_queue_images") >= expected)
    for connection in connections:
        connection.close()
    held.until(lambda: held.metric("veilseg_clients_left_total") == before + 4)
    os.kill(held.worker, signal.SIGCONT)
    assert held.post(encrypted()).status_code == 200
    assert held.metric("veilseg_dropped_total") >= 1 or held.metric("veilseg_queue_images") == 0


def request_head(length: int) -> bytes:
    return (
        b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_a_byte_a_second_holds_nobody_up(model: Path, tmp_path: Path) -> None:
    """Heads and bodies that drip: both are cut off, and others are served meanwhile."""
    limits = "head_timeout=1.0, body_timeout=1.5"
    code = (
        "import sys; from veilseg.server import run, settings\n"
        f"limits = settings.Limits({limits})\n"
        f"run.serve(settings.Settings(models={{'tiny': {str(model)!r}}}, limits=limits, threads=1), '127.0.0.1', PORT)"
    )
    with running_code(tmp_path, code) as service:
        body = encrypted()
        slow_head = socket.create_connection(("127.0.0.1", service.port))
        slow_body = socket.create_connection(("127.0.0.1", service.port))
        slow_body.sendall(request_head(len(body)) + body[:10])
        for index in range(2):
            slow_head.sendall(b"GET / HTTP/1.1"[index : index + 1])
            slow_body.sendall(body[10 + index : 11 + index])
            assert service.post(body).status_code == 200
        answer = slow_body.recv(4096)
        assert b" 408 " in answer.split(b"\r\n")[0]
        slow_head.settimeout(30)
        assert slow_head.recv(100) == b""  # closed


def running_code(folder: Path, code: str):
    """A service that Python code starts on PORT: for limits that the verb does not offer."""
    from contextlib import contextmanager
    from subprocess import Popen
    from sys import executable

    from tests.service import SOURCE

    @contextmanager
    def manage() -> Iterator[Service]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = folder / "code.log"
        with log.open("wb") as file:
            process = Popen(
                [executable, "-c", code.replace("PORT", str(port))],
                stderr=file,
                env={**os.environ, "PYTHONPATH": SOURCE},
            )
        service = Service(f"http://127.0.0.1:{port}", process, log)
        service.until(service.is_ready)
        yield service
        process.terminate()
        process.wait(60)

    return manage()


def test_connections_beyond_the_limit_are_told_so(model: Path, tmp_path: Path) -> None:
    code = (
        "from veilseg.server import run, settings\n"
        "limits = settings.Limits(connections=3)\n"
        f"run.serve(settings.Settings(models={{'tiny': {str(model)!r}}}, limits=limits, threads=1), '127.0.0.1', PORT)"
    )
    with running_code(tmp_path, code) as service:
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(3)]
        more = socket.create_connection(("127.0.0.1", service.port))
        answer = more.recv(4096)
        assert b" 503 " in answer.split(b"\r\n")[0]
        assert b"Retry-After" in answer
        for connection in (*idle, more):
            connection.close()
        service.until(service.is_ready)
        assert service.post(encrypted()).status_code == 200


def test_sigterm_finishes_what_was_accepted(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--batch", "1") as service:
        worker = service.worker
        os.kill(worker, signal.SIGSTOP)
        pool, answers = flood(service, 4)
        service.until(lambda: service.metric("veilseg_queue_images") == 3)
        service.process.send_signal(signal.SIGTERM)
        service.until(lambda: not service.is_ready())  # the door is closed
        os.kill(worker, signal.SIGCONT)
        assert [answer.result().status_code for answer in answers] == [200] * 4
        assert service.process.wait(60) == 0
        pool.shutdown()
        assert not Path(f"/proc/{worker}").exists()


def test_a_killed_service_leaves_no_worker_and_starts_again(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model)) as service:
        worker = service.worker
        service.process.kill()
        service.process.wait()
        end = time.monotonic() + 30
        while Path(f"/proc/{worker}").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
    with running(tmp_path, str(model)) as again:
        assert again.post(encrypted()).status_code == 200


def test_a_full_disk_for_logs_stops_nothing(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), log="/dev/full") as service:
        for index in range(5):
            assert service.post(encrypted(index)).status_code == 200
        service.until(lambda: service.metric("veilseg_log_lines_lost_total") >= 5)
        service.process.terminate()
        service.process.wait(60)


def test_a_log_holds_lines_of_json_and_nothing_of_an_image(small: Service) -> None:
    marker = "secretname"
    httpx.get(f"{small.url}/{marker}?token={marker}", headers={"X-Note": marker, "Authorization": f"Bearer {marker}"})
    small.post(encrypted(), params={"model": marker})
    answer = small.post(encrypted())
    small.until(lambda: answer.headers["x-request-id"] in small.log.read_text())
    text = small.log.read_text()
    assert marker not in text
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    assert line["route"] == "/v1/segment"
    assert line["status"] == 200
    assert line["pixels"] == 48 * 64


def test_images_of_one_shape_are_computed_together(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--batch", "4") as service:
        os.kill(service.worker, signal.SIGSTOP)
        pool = ThreadPoolExecutor(7)
        first = pool.submit(service.post, encrypted(0))
        service.until(lambda: service.metric("veilseg_queue_seconds_count") == 1)  # it is in the worker
        others = [pool.submit(service.post, encrypted(seed)) for seed in range(1, 6)]
        others.append(pool.submit(service.post, encrypted(6, 64, 64)))
        service.until(lambda: service.metric("veilseg_queue_images") == 6)
        os.kill(service.worker, signal.SIGCONT)
        answers = [future.result() for future in (first, *others)]
        assert [answer.status_code for answer in answers] == [200] * 7
        assert service.metric("veilseg_batch_images_sum") == 7
        assert service.metric("veilseg_batch_images_count") == 4  # 1, 4, then 1 and the one of another shape
        alone = [service.post(encrypted(seed)).content for seed in range(6)]
        assert alone == [answer.content for answer in answers[:6]]
        pool.shutdown()
