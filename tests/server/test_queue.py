"""The queue: what does not fit is refused at once, what is alike is computed together."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.service import HTTP, Service, encrypted, flood, running


def test_a_full_queue_is_said_at_once_and_nothing_accepted_is_lost(held: Service) -> None:
    pool, answers = flood(held, 12)
    held.until(lambda: sum(answer.done() for answer in answers) >= 7)  # at most 2 in the worker, 3 in the queue
    for answer in answers:
        if answer.done():
            refused = answer.result()
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json()["error"]["code"] == "queue_full"
            assert "Retry-After" in refused.json()["error"]["hint"]
    os.kill(held.worker, signal.SIGCONT)
    statuses = [answer.result().status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert 3 <= statuses.count(200) <= 5
    pool.shutdown()


def test_more_images_than_the_queue_could_ever_hold_are_not_told_to_come_back(small: Service) -> None:
    assert HTTP.get(f"{small.url}/v1/model").json()["limits"]["images"] == 3
    files = [("image", (str(index), encrypted(index), "image/png")) for index in range(4)]
    answer = httpx.post(f"{small.url}/v1/segment", files=files, timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many")
    assert httpx.post(f"{small.url}/v1/segment", files=files[:3], timeout=60).status_code == 200


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
