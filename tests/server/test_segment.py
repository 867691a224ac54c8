"""POST /v1/segment on a real service: every form of an answer, every refusal, and what each says."""

from __future__ import annotations

import io
import json
from email.parser import BytesParser
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from pycocotools import mask as coco

import veilseg
from tests.service import SHUFFLE, Service, encrypted
from tests.tiny_onnx import photo
from veilseg.images import to_png
from veilseg.runtime import Segmenter
from veilseg.server import responses


@pytest.fixture(scope="module")
def expected(model) -> np.ndarray:
    return Segmenter(model).segment(encrypted())


def test_palette_png(service: Service, expected: np.ndarray) -> None:
    answer = service.post(encrypted())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-veilseg-size"] == "40x50"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.mode == "P"
        assert (np.asarray(image) == expected).all()


def test_raw_ids(service: Service, expected: np.ndarray) -> None:
    answer = service.post(encrypted(), headers={"Accept": "application/octet-stream"})
    assert (np.frombuffer(answer.content, np.uint8).reshape(40, 50) == expected).all()


def test_areas(service: Service, expected: np.ndarray) -> None:
    answer = service.post(encrypted(), headers={"Accept": "application/json"}).json()
    assert (answer["height"], answer["width"]) == (40, 50)
    assert {item["id"]: item["pixels"] for item in answer["classes"]} == {
        int(index): int((expected == index).sum()) for index in np.unique(expected)
    }
    assert sum(item["fraction"] for item in answer["classes"]) == pytest.approx(1, abs=1e-4)


def test_coco_rle(service: Service, expected: np.ndarray) -> None:
    """pycocotools is the reference."""
    answer = service.post(encrypted(), headers={"Accept": responses.RLE}).json()
    for segment in answer["segments"]:
        assert (coco.decode(segment["rle"]) == (expected == segment["id"])).all()


def test_a_key_does_not_matter_and_another_model_is_found_by_name(service: Service) -> None:
    image = photo()
    bodies = [SHUFFLE.encrypt(image).to_bytes(), SHUFFLE.encrypt(image, veilseg.Key.generate()).to_bytes()]
    assert bodies[0] != bodies[1]
    maps = [service.post(body, params={"model": name}).content for name in ("tiny", "other") for body in bodies]
    assert maps[0] == maps[1] == service.post(bodies[0]).content
    assert maps[2] == maps[3] != maps[0]


def test_several_images_as_a_form(service: Service, model) -> None:
    files = [("image", (str(index), encrypted(index, 20 + 8 * index, 30), "image/png")) for index in range(3)]
    answer = httpx.post(f"{service.url}/v1/segment", files=files, timeout=60)
    assert answer.status_code == 200
    message: Any = BytesParser().parsebytes(
        b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
    )
    maps = [np.asarray(Image.open(io.BytesIO(part.get_payload(decode=True)))) for part in message.get_payload()]
    segmenter = Segmenter(model)
    for (_, (_, data, _)), labels in zip(files, maps, strict=True):
        assert (segmenter.segment(data) == labels).all()
    areas = httpx.post(f"{service.url}/v1/segment", files=files, headers={"Accept": "application/json"}, timeout=60)
    assert [item["height"] for item in areas.json()["images"]] == [20, 28, 36]


def test_one_wrong_image_of_several_is_named(service: Service) -> None:
    files = [("image", ("a", encrypted(), "image/png")), ("image", ("b", to_png(photo()), "image/png"))]
    answer = httpx.post(f"{service.url}/v1/segment", files=files, timeout=60)
    assert answer.status_code == 422
    assert answer.json()["error"]["image"] == 1


WRONG_CIPHER = veilseg.cipher("mosaic", sub_block=8).encrypt(photo()).to_bytes()
WRONG_SIZE = veilseg.cipher("subblock-sort", sub_block=4).encrypt(photo()).to_bytes()
DAMAGED = encrypted()[:-30] + b"\0" + encrypted()[-29:]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (to_png(photo()), "image/png", 422, "not_encrypted"),
        (b"\xff\xd8\xff\xe0 a photograph", "image/jpeg", 415, "unsupported_type"),
        (b"\xff\xd8\xff\xe0 a photograph", "image/png", 422, "not_encrypted"),
        (b"", "image/png", 422, "not_encrypted"),
        (encrypted(), "", 415, "unsupported_type"),
        (encrypted(), "multipart/form-data", 415, "unsupported_type"),
        (encrypted(), "multipart/form-data; boundary=x", 422, "bad_multipart"),
        (encrypted(), "application/json", 415, "unsupported_type"),
        (encrypted()[:400], "image/png", 422, "not_encrypted"),
        (DAMAGED, "image/png", 422, "not_encrypted"),
        (WRONG_CIPHER, "image/png", 422, "not_for_this_model"),
        (WRONG_SIZE, "image/png", 422, "not_for_this_model"),
    ],
)
def test_what_is_no_image_for_the_model_is_discarded(
    service: Service, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = service.post(body, kind)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert "discarded" in error["message"]
    assert error["hint"]
    assert error["request_id"] == answer.headers.get_list("x-request-id")[0]  # Ray adds one of its own


def test_pixels_that_do_not_decode_are_refused_and_harm_no_other(service: Service) -> None:
    """The chunks are well formed, the compressed pixels are not: only the worker can find out."""
    from tests.pngs import chunk

    good = encrypted()
    start = good.index(b"IDAT") - 4
    bad = good[:start] + chunk(b"IDAT", b"x\x9c not deflate") + chunk(b"IEND", b"")
    answer = service.post(bad)
    assert answer.status_code == 422
    assert "discarded" in answer.json()["error"]["message"]
    files = [("image", ("a", good, "image/png")), ("image", ("b", bad, "image/png"))]
    several = httpx.post(f"{service.url}/v1/segment", files=files, timeout=60)
    assert (several.status_code, several.json()["error"]["image"]) == (422, 1)
    assert service.post(good).status_code == 200


def test_limits_on_body_pixels_and_parts(service: Service) -> None:
    for body, kind, code in (
        (bytes((1 << 20) + 1), "image/png", "too_long"),
        (SHUFFLE.encrypt(np.zeros((400, 400, 3), np.uint8)).to_bytes(), "image/png", "too_many_pixels"),
    ):
        answer = service.post(body, kind)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, code)
    chunked = service.post(iter([bytes(1 << 19)] * 3))  # type: ignore[arg-type]
    assert chunked.status_code == 413
    files = [("image", ("a", encrypted(0, 16, 16), "image/png"))] * 17
    assert httpx.post(f"{service.url}/v1/segment", files=files, timeout=60).status_code == 413


def test_other_errors_are_json_too(service: Service) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/v1/segment", 405),
        ("POST", "/v1/model", 405),
        ("GET", "/v1/model?model=none", 404),
        ("GET", f"/v1/model?model={'x' * 300}", 422),
    ):
        answer = httpx.request(method, service.url + path)
        assert answer.status_code == status, path
        assert set(answer.json()["error"]) >= {"code", "message", "hint", "request_id"}
    assert service.post(encrypted(), headers={"Accept": "text/html"}).status_code == 406
    assert service.post(encrypted(), headers={"Content-Encoding": "gzip"}).status_code == 415


def test_the_model_is_described(service: Service, model) -> None:
    answer = httpx.get(f"{service.url}/v1/model").json()
    assert answer["models"] == ["tiny", "other"]
    assert answer["input"]["cipher"] == "subblock-sort"
    assert answer["input"]["accepts"] == ["subblock-sort", "subblock-shuffle"]
    segmenter = Segmenter(model)
    assert [item["name"] for item in answer["classes"]] == list(segmenter.classes)
    assert [item["colour"] for item in answer["classes"]] == segmenter.palette.tolist()
    assert answer["limits"]["image_pixels"] == 100_000
    assert json.loads(httpx.get(f"{service.url}/openapi.json").text)["paths"].keys() >= {"/v1/segment", "/v1/model"}


def test_metrics_are_prometheus_and_name_no_client(service: Service) -> None:
    service.post(encrypted())
    answer = httpx.get(f"{service.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert len(families) >= 12
    assert all(family.name.startswith("veilseg_") for family in families)
    samples = [sample for family in families for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} <= {"route", "status", "code", "model", "le"}
    assert {sample.labels["model"] for sample in samples if "model" in sample.labels} == {"tiny", "other"}


def test_a_name_that_was_made_to_point_here_is_not_answered(service: Service) -> None:
    """DNS rebinding: a page elsewhere whose name resolves to 127.0.0.1."""
    for host, status in (
        ("evil.example:8000", 421),
        ("127.evil.example", 421),
        ("127.0.0.1.evil.example:8000", 421),
        ("", 421),
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.2:8000", 200),
        ("[::1]:8000", 200),
    ):
        assert httpx.get(f"{service.url}/v1/model", headers={"Host": host}).status_code == status, host


def test_answers_tell_browsers_to_stay_here(service: Service) -> None:
    headers = httpx.get(service.url).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
