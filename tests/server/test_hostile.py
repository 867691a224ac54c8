"""What strangers may send: nothing crashes, hangs, answers 500 or writes a file."""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.pngs import chunk, ihdr
from tests.service import HTTP, Service, encrypted, running
from veilseg.png import SIGNATURE

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
    ensure_resource_availability,
]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

mutated = st.builds(
    lambda at, new, cut: (encrypted()[: at % 600] + new + encrypted()[at % 600 + len(new) :])[: cut or None],
    st.integers(0, 10_000),
    st.binary(max_size=20),
    st.one_of(st.just(0), st.integers(1, 600)),
)
schemathesis.openapi.media_type("image/png", st.one_of(st.binary(max_size=200), st.just(encrypted()), mutated))


@pytest.fixture(scope="module")
def fuzzed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own, in a folder that must stay empty."""
    with running(tmp_path_factory.mktemp("fuzzed"), str(model), "--body", "1", "--pixels", "100000") as started:
        yield started


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_openapi_says_is_so(fuzzed: Service, mode: GenerationMode) -> None:
    """A fuzzer reads the description, sends what fits it and what does not, and holds the answers against it."""
    api = schemathesis.openapi.from_url(f"{fuzzed.url}/openapi.json")
    operations = [result.ok() for result in api.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == 11
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.query and not operation.body:
            continue  # nothing about it could be wrong

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, timeout=60)

        check()


@FEW
@given(body=mutated, kind=st.sampled_from(["image/png", "multipart/form-data; boundary=xx", "text/plain", ""]))
def test_damaged_images(fuzzed: Service, body: bytes, kind: str) -> None:
    assert fuzzed.post(body, kind).status_code in (200, 415, 422)


@FEW
@given(
    st.lists(
        st.sampled_from(
            [
                b"--xx", b"--", b"\r\n", b"\n", b"Content-Type: image/png", b"Content-Disposition: form-data; name=a",
                b"Content-Disposition: form-data; name=\"a\r\"; filename*=UTF-8''%ff", b":", b"\0", b"x" * 3000,
                encrypted(), b"image/png",
            ]
        )
    )
)  # fmt: skip
def test_forms_of_all_kinds(fuzzed: Service, pieces: list[bytes]) -> None:
    answer = fuzzed.post(b"".join(pieces), "multipart/form-data; boundary=xx")
    assert answer.status_code in (200, 413, 415, 422)


def bomb(width: int, height: int, text: bytes, pixels: bytes) -> bytes:
    """A PNG with chosen size, header and compressed pixels."""
    parts = [ihdr(width, height), chunk(b"tEXt", b"veilseg\0" + text), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def header(width: int, height: int) -> bytes:
    text = '{"version":3,"cipher":"subblock-shuffle","block":16,"sub_block":8,"height":%d,"width":%d}'
    return (text % (height, width)).encode()


@pytest.mark.parametrize(
    "body",
    [
        bomb(320, 304, header(320, 304), zlib.compress(bytes(200_000_000), 9)),  # far more pixels than it says
        bomb(320, 304, header(320, 304), zlib.compress(bytes(100), 9)),  # far fewer
        bomb(2**31 - 1, 2**31 - 1, header(320, 304), b""),
        bomb(30_000, 30_000, header(30_000, 30_000), zlib.compress(bytes(1000), 9)),
        bomb(320, 304, b"[" * 1900, b""),
        bomb(320, 304, b'{"version":' + b"9" * 1800 + b"}", b""),
        SIGNATURE + struct.pack(">I", 2**31) + b"IHDR" + bytes(100),
        SIGNATURE + b"".join(chunk(b"IDAT", b"") for _ in range(50_000)),
    ],
)
def test_bombs(fuzzed: Service, body: bytes) -> None:
    answer = fuzzed.post(body)
    assert answer.status_code in (413, 422)
    assert fuzzed.post(encrypted()).status_code == 200


def raw(service: Service, data: bytes) -> bytes:
    """Send bytes as they are; the first bytes of the answer."""
    with socket.create_connection(("127.0.0.1", service.port), 30) as connection:
        try:
            connection.sendall(data)
            return connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return b""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"\0" * 100_000,
    ],
)
def test_no_http_as_it_should_be(fuzzed: Service, data: bytes) -> None:
    answer = raw(fuzzed, data)
    assert not answer or answer.split(b" ")[1][:1] == b"4", answer[:100]
    assert fuzzed.is_ready()


@pytest.mark.parametrize(
    "path",
    [
        b"/../../../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fetc%2fpasswd", b"//etc/passwd",
        b"/__init__.py", b"/index.html/../__init__.py", b"/%00", b"/web/", b"/\\..\\..\\x", b"/%ff%fe", b"/.",
    ],
)  # fmt: skip
def test_paths(fuzzed: Service, path: bytes) -> None:
    answer = raw(fuzzed, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ")[1] == b"404", answer[:200]


def test_parameters_of_all_kinds(fuzzed: Service) -> None:
    for value in ("../../etc", "\0", "💥" * 40, "a&model=b", "%ff"):
        answer = HTTP.get(f"{fuzzed.url}/v1/model", params={"model": value})
        assert answer.status_code in (404, 422)
    for accept in ("q=1", "*/*;q=x", ",;,", "image/png;q=-1", "a/b;" * 2000, "image/*;q=0.1, */*;q=0"):
        assert fuzzed.post(encrypted(), headers={"Accept": accept}).status_code in (200, 406, 400)


def test_nothing_was_written_and_no_bug_was_met(fuzzed: Service) -> None:
    """Runs last in this file, on the service that all of the above were sent to."""
    assert [path for path in fuzzed.log.parent.iterdir() if path != fuzzed.log] == []
    assert fuzzed.metric("veilseg_worker_restarts_total") == 0
    assert '"event": "bug"' not in fuzzed.log.read_text()
