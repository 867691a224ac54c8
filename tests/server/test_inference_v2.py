"""The Open Inference Protocol on a real service: by hand in both its forms, by Triton's client, and what it refuses."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service import HTTP, Service, encrypted, running
from tests.tiny_onnx import photo
from veilseg.images import to_png
from veilseg.runtime import Segmenter
from veilseg.server.tokens import TokenFile

FILES = [encrypted(0), encrypted(1)]


@pytest.fixture(scope="module")
def expected(model: Path) -> np.ndarray:
    segmenter = Segmenter(model)
    return np.stack([segmenter.segment(file) for file in FILES])


def asked(*files: bytes, **changes: Any) -> dict[str, Any]:
    """The request for files as base64, with changes to its input."""
    data = [base64.b64encode(file).decode() for file in files]
    return {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [len(files)], "data": data, **changes}]}


def post(service: Service, content: bytes | dict[str, Any], **headers: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return HTTP.post(f"{service.url}/v2/models/tiny/infer", content=body, headers=headers)


def binary(*files: bytes, request: dict[str, Any] | None = None) -> tuple[bytes, dict[str, str]]:
    """The body and the header of a request with its files behind the JSON."""
    tail = b"".join(struct.pack("<I", len(file)) + file for file in files)
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(files)]}
    head = json.dumps(
        {"inputs": [{**tensor, "parameters": {"binary_data_size": len(tail)}}], **(request or {})}
    ).encode()
    return head + tail, {"Inference-Header-Content-Length": str(len(head))}


def test_health_and_metadata(service: Service) -> None:
    def get(path: str) -> Any:
        response = HTTP.get(service.url + path)
        assert response.status_code == 200
        return response.json()

    assert get("/v2/health/live") == {"live": True}
    assert get("/v2/health/ready") == get("/v2/models/other/ready") == {"ready": True}
    assert get("/v2")["extensions"] == ["binary_tensor_data"]
    assert get("/v2/models/other")["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]


def test_tensors_in_json(service: Service, expected: np.ndarray) -> None:
    answer = post(service, {"id": '"}]}', **asked(*FILES)}).json()
    (output,) = answer["outputs"]
    assert (answer["id"], answer["model_name"], output["name"], output["datatype"]) == (
        '"}]}',
        "tiny",
        "labels",
        "UINT8",
    )
    assert (np.array(output["data"]).reshape(output["shape"]) == expected).all()


@pytest.mark.parametrize(
    "request_",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "labels", "parameters": {"binary_data": True}}]},
    ],
)
def test_tensors_in_bytes(service: Service, expected: np.ndarray, request_: dict[str, Any]) -> None:
    body, headers = binary(*FILES, request=request_)
    answer = post(service, body, **headers)
    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": expected.size}
    assert (np.frombuffer(answer.content[length:], np.uint8).reshape(output["shape"]) == expected).all()


def test_refusals_are_those_of_v1_in_the_protocols_form(service: Service) -> None:
    cut = binary(*FILES)[0]
    for content, headers, status, code in (
        (asked(to_png(photo())), {}, 422, "not_encrypted"),
        (asked(encrypted(0), encrypted(0, 24, 30)), {}, 422, "different_sizes"),
        (asked(*[encrypted(0, 16, 16)] * 17), {}, 413, "too_many"),
        (asked(encrypted(0), shape=[2]), {}, 422, "bad_tensor"),
        (asked(encrypted(0), shape=[-1]), {}, 422, "bad_tensor"),
        (asked(encrypted(0), shape=[10**30]), {}, 413, "too_many"),
        (asked(encrypted(0), name="pixels"), {}, 422, "bad_tensor"),
        (asked(encrypted(0), datatype="UINT8"), {}, 422, "bad_tensor"),
        (asked(encrypted(0), data=["no base64"]), {}, 422, "bad_tensor"),
        (asked(encrypted(0), data=["é"]), {}, 422, "bad_tensor"),
        (asked(encrypted(0), data=[]), {}, 422, "bad_tensor"),
        (asked(encrypted(0), parameters={"binary_data_size": 4}), {}, 422, "bad_tensor"),
        ({"inputs": []}, {}, 422, "bad_tensor"),
        (b"", {}, 422, "bad_tensor"),
        (b"[" * 900, {}, 422, "bad_tensor"),
        (b"[" + b"{}," * 300_000 + b"{}]", {}, 422, "bad_tensor"),
        (encrypted(0), {"Content-Type": "image/png"}, 422, "bad_tensor"),
        (cut, {"Inference-Header-Content-Length": "9" * 30}, 422, "bad_tensor"),
        (cut, {"Inference-Header-Content-Length": "-1"}, 422, "bad_tensor"),
        (cut[:-9], binary(*FILES)[1], 422, "bad_tensor"),
        (binary(*[b""] * 5)[0] + bytes(900_000), binary(*[b""] * 5)[1], 422, "bad_tensor"),
        (bytes((1 << 20) + 1), {}, 413, "too_long"),
        (cut, {"Content-Encoding": "gzip"}, 415, "unsupported_type"),
    ):
        answer = post(service, content, **headers)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code), (
            content[:80] if isinstance(content, bytes) else code
        )
        assert told["error"].startswith(told["message"])
        assert told["request_id"] == answer.headers["x-request-id"]
    missing = HTTP.get(f"{service.url}/v2/models/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_model")
    elsewhere = HTTP.get(f"{service.url}/v2", headers={"Host": "evil.example"})
    assert (elsewhere.status_code, elsewhere.json()["error"][:14]) == (421, "Without tokens")


def test_the_log_has_the_bodys_length(service: Service) -> None:
    body, headers = binary(*FILES)
    answer = post(service, body, **headers)
    assert answer.status_code == 200
    noted = f'"request_id": "{answer.headers["x-request-id"]}"'
    service.until(lambda: noted in service.log.read_text())
    (line,) = [line for line in service.log.read_text().splitlines() if noted in line]
    assert json.loads(line)["bytes_in"] == len(body)


def test_one_wrong_image_of_several_is_named(service: Service) -> None:
    assert post(service, asked(FILES[0], to_png(photo()))).json()["image"] == 1


CLIENT = """
import sys
import numpy as np
import tritonclient.http as triton

address, token, *paths = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"}
client = triton.InferenceServerClient(address)
assert client.is_server_live()
assert client.is_server_ready()
assert client.is_model_ready("tiny", headers=headers)
assert client.get_server_metadata(headers=headers)["name"] == "veilseg"
assert client.get_model_metadata("tiny", headers=headers)["outputs"][0]["name"] == "labels"
files = np.array([open(path, "rb").read() for path in paths], dtype=object)
image = triton.InferInput("image", files.shape, "BYTES")
image.set_data_from_numpy(files)
for outputs in (None, [triton.InferRequestedOutput("labels", binary_data=False)]):
    result = client.infer("tiny", [image], outputs=outputs, headers=headers, request_id="7")
    assert result.get_response()["id"] == "7"
    np.save(sys.stdout.buffer, result.as_numpy("labels"))
compressed = {"headers": headers, "request_compression_algorithm": "gzip"}
for options, words in (({}, "valid token"), (compressed, "compressed")):
    try:
        client.infer("tiny", [image], **options)
    except triton.InferenceServerException as error:
        assert words in error.message(), error
    else:
        sys.exit("it was not refused")
"""


@pytest.mark.slow
def test_tritons_own_client(model: Path, expected: np.ndarray, tmp_path: Path) -> None:
    """In an environment of its own, where it finds the packages it needs."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=300)
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "tritonclient[http]"], check=True, timeout=600)
    names = [str(tmp_path / f"{index}.png") for index in range(len(FILES))]
    for name, file in zip(names, FILES, strict=True):
        Path(name).write_bytes(file)
    token = TokenFile(tmp_path / "tokens.json").add("triton")
    with running(tmp_path, str(model), "--tokens", "tokens.json") as service:
        address = service.url.removeprefix("http://")
        done = subprocess.run([python, "-c", CLIENT, address, token, *names], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    size = len(done.stdout) // 2
    for part in (done.stdout[:size], done.stdout[size:]):
        (tmp_path / "labels.npy").write_bytes(part)
        assert (np.load(tmp_path / "labels.npy") == expected).all()
