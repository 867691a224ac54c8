"""What a client takes from the environment: proxies and certificates, used with care and refused in a sentence."""

from __future__ import annotations

import os
import socket
import warnings
from http.server import BaseHTTPRequestHandler

import pytest

from tests.client.impostor import SMALL, give, impostor, info, labels
from veilseg.client import Client, Retries
from veilseg.client.surroundings import is_loopback
from veilseg.errors import ServiceError, UsageError

ONCE = Retries(attempts=1)
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower() in VARIABLES:
            monkeypatch.delenv(name)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "a.localhost", "::1", "127.1"])
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example", "10.0.0.1", "::2", "fe80::1%eth0", "localhost.a"])
def test_names_of_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense:port", "http://[::1"])
def test_loopback_is_reached_through_no_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("SSL_CERT_FILE", "/none")  # not read without TLS
    with impostor(lambda handler, _: give(handler, 200, info())) as (url, _), Client(url, retries=ONCE) as client:
        assert client.model.name == "m"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://a:1",
        "socks5h://a:1",
        "socks4://a:1",
        "ftp://a:1",
        "http://[::1",
        "a:port",
        "http://a:99999",
        "http://",
    ],
)
def test_a_proxy_of_another_kind_is_named(variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(UsageError, match=f"^{variable.upper()} "):
        Client("https://seg.example")
    monkeypatch.setenv("NO_PROXY", "seg.example,[::1],::1,fe80::/10")
    Client("https://seg.example").close()


@pytest.mark.parametrize("token", [None, "secret"])
def test_plain_http_goes_through_a_proxy_after_a_warning(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        assert handler.path.startswith("http://seg.example/v1/")
        give(handler, 200, info() if handler.command == "GET" else labels())

    with impostor(respond) as (url, got):
        monkeypatch.setenv("http_proxy", url.replace("//", "//user:password@"))
        with pytest.warns(UserWarning, match="plain HTTP to seg.example through the proxy 127.0.0.1") as said:
            client = Client("http://seg.example", token, retries=ONCE)
        assert "password" not in str(said[0].message)
        assert not got  # the warning comes first
        with client:
            assert (client.segment(SMALL) == 1).all()


def test_with_tls_a_proxy_gets_neither_token_nor_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    with impostor(lambda handler, _: give(handler, 403)) as (url, got):
        monkeypatch.setenv("HTTPS_PROXY", url)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client = Client("https://seg.example", "secret", retries=ONCE)
        with client, pytest.raises(ServiceError, match=r"cannot be reached through the proxy 127\.0\.0\.1"):
            client.segment(SMALL)
        assert not got  # CONNECT alone came, which the impostor does not know


def test_that_a_service_is_tried_again_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        retries = Retries(attempts=3, first_wait=0.0)
        heard = caplog.at_level("INFO", "veilseg.client")
        refused = pytest.raises(ServiceError, match="cannot be reached")
        with heard, Client(address, retries=retries) as client, refused:
            client.segment(SMALL)
    said = [record.getMessage() for record in caplog.records if record.name == "veilseg.client"]
    assert said == [f"the service at {address} cannot be reached; trying again"]


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_a_wrong_file_of_certificates_is_named(
    content: bytes | None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        Client("https://seg.example")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(path))
    with pytest.raises(UsageError, match="SSL_CERT_DIR"):
        Client("https://seg.example")


@pytest.mark.parametrize("token", ["geheim\u00fc", "a b", "a\nb", "\ufeffa"])
def test_a_token_that_cannot_be_one(token: str) -> None:
    with pytest.raises(UsageError, match="token") as error:
        Client("http://127.0.0.1:1", token)
    assert token not in str(error.value)
