"""What goes wrong around a service: a dead or hanging worker, a full disk, an end under load.

What a service accepted is answered or refused in words, and it serves again.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from tests.service import HTTP, Service, encrypted, flood, running


def test_a_deadline_is_kept_and_a_worker_that_hangs_is_replaced(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--timeout", "5") as service:
        hanging = service.worker
        os.kill(hanging, signal.SIGSTOP)
        pool, answers = flood(service, 2)
        for answer in answers:
            late = answer.result()
            assert late.status_code == 504
            assert "discarded" in late.json()["error"]["message"]
            assert late.json()["error"]["hint"]
        pool.shutdown()
        service.until(lambda: not Path(f"/proc/{hanging}").exists())
        service.until(lambda: service.post(encrypted()).status_code == 200)


def test_a_killed_worker_is_replaced_and_its_images_are_done_by_the_next(held: Service) -> None:
    before, taken = held.metric("veilseg_worker_restarts_total"), held.taken()
    pool, answers = flood(held, 3)
    held.until(lambda: held.taken() == taken + 3)  # all: while there is no worker, others are refused
    killed = held.worker
    os.kill(killed, signal.SIGKILL)
    assert [answer.result().status_code for answer in answers] == [200] * 3
    pool.shutdown()
    assert held.metric("veilseg_worker_restarts_total") == before + 1
    assert held.worker != killed


def test_a_worker_that_was_killed_while_idle_is_replaced_at_once(small: Service) -> None:
    small.until(small.is_ready)
    before = small.metric("veilseg_worker_restarts_total")
    killed = small.worker
    os.kill(killed, signal.SIGKILL)
    small.until(lambda: small.metric("veilseg_worker_restarts_total") == before + 1)  # no image has come meanwhile
    small.until(small.is_ready)
    assert small.worker != killed
    assert small.post(encrypted()).status_code == 200


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
    HTTP.get(f"{small.url}/{marker}?token={marker}", headers={"X-Note": marker, "Authorization": f"Bearer {marker}"})
    small.post(encrypted(), params={"model": marker})
    small.post(f"--x\r\n{marker}@: x\r\n".encode(), "multipart/form-data; boundary=x")  # its parser logs, too
    answer = small.post(encrypted())
    small.until(lambda: answer.headers["x-request-id"] in small.log.read_text())
    text = small.log.read_text()
    assert marker not in text
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    assert line["route"] == "/v1/segment"
    assert line["status"] == 200
    assert line["pixels"] == 48 * 64
