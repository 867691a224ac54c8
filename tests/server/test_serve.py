"""How a service is started: TLS as the documentation shows it, several models, nothing to write, what is refused."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shlex
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.service import SOURCE, Service, encrypted, running
from tests.tiny_onnx import photo
from veilseg.cli.main import main
from veilseg.client import Client
from veilseg.errors import ServiceError
from veilseg.images import to_png
from veilseg.server.tokens import TokenFile

ROOT = Path(__file__).parents[2]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=1)
    )
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


def test_tls(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate(tmp_path)
    files = ("--tls-certificate", str(cert), "--tls-key", str(key))
    with running(tmp_path, str(model), *files, tls=True) as service:
        context = ssl.create_default_context(cafile=str(cert))

        def ready() -> bool:
            try:
                return httpx.get(f"{service.url}/readyz", verify=context, timeout=60).status_code == 200
            except httpx.TransportError:
                return False

        service.until(ready)
        with ThreadPoolExecutor(8) as clients:  # every handshake, at once
            assert all(clients.map(lambda _: ready(), range(40)))
        answer = httpx.post(
            f"{service.url}/v1/segment",
            content=encrypted(),
            headers={"Content-Type": "image/png"},
            verify=context,
            timeout=60,
        )
        assert answer.status_code == 200
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        with Client(service.url) as client:
            assert client.segment(photo(0, 40, 50)).shape == (40, 50)
        monkeypatch.delenv("SSL_CERT_FILE")
        with Client(service.url) as client, pytest.raises(ServiceError, match="certificate"):
            client.segment(photo(0, 40, 50))
        with pytest.raises(httpx.TransportError):
            httpx.get(service.url.replace("https", "http") + "/readyz")


def test_the_documented_way_to_tls_works(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of docs/operations.md, with this machine's name and a free port in place of the example's."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").replace("\\\n", "")
    commands = [line.strip().partition(" > ")[0].replace("seg.example", "localhost") for line in text.splitlines()]
    (certify,) = [shlex.split(line) for line in commands if line.startswith("openssl req ")]
    (start,) = [shlex.split(line)[2:] for line in commands if line.startswith("veilseg serve ") and "--tls-key" in line]
    (trust, _, *ask) = next(shlex.split(line) for line in commands if line.startswith("SSL_CERT_FILE="))
    subprocess.run(certify, check=True, capture_output=True)
    (tmp_path / "camera-7.token").write_text(TokenFile(tmp_path / "tokens.json").add("camera-7") + "\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "street.png").write_bytes(to_png(photo(0, 40, 50)))
    with running(tmp_path, str(model), *start, tls=True) as service:
        address = f"https://localhost:{service.port}"
        monkeypatch.setenv(*trust.split("="))
        service.until(lambda: is_ready(address))
        assert main([address if part.startswith("https://") else part for part in ask]) == 0
        assert (tmp_path / "labels" / "street.png").is_file()


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_is_reached_by_loopback_alone(service: Service) -> None:
    """127.0.0.2 is this machine too, and is answered by whoever listens on all addresses."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", service.port), 10)


def test_it_needs_no_place_to_write(model: Path, tmp_path: Path) -> None:
    """As in the container: the whole file system is read-only. Needs the right to mount."""
    read_only = "mount --make-rprivate / && mount -o remount,ro,bind / /"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "sh", "-c", read_only], check=False).returncode:
        pytest.skip("needs the right to mount")
    code = (
        "import pathlib\n"
        "from tests.service import encrypted, running\n"
        f"with running(pathlib.Path('/'), {str(model)!r}, log='/dev/null') as service:\n"
        "    assert service.post(encrypted()).status_code == 200\n"
        "    print('served')"
    )
    command = ["unshare", "-m", "sh", "-c", f'{read_only} && exec "$@"', "sh", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout == "served\n", done.stderr


def test_what_lies_where_it_is_started_is_not_run(model: Path, tmp_path: Path) -> None:
    for name in ("json", "numpy", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run')")
    with running(tmp_path, str(model)) as service:
        assert service.post(encrypted()).status_code == 200


def test_a_taken_port_is_said(model: Path, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(model), "--port", str(service.port)]) == 1
    assert f"port {service.port} cannot be had" in capsys.readouterr().err


def test_what_cannot_be_started(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.pem").write_text("no key")
    for arguments, code in (
        (["nothing"], 1),
        ([str(model), "--tls-certificate", "x"], 2),
        ([str(model), "--tls-certificate", "x", "--tls-key", "y"], 2),
        ([str(model), "--tls-certificate", "wrong.pem", "--tls-key", "wrong.pem"], 2),
        ([str(model), "--timeout", "inf"], 2),
        ([str(model), "--tokens", "none.json"], 1),
        ([str(model), "--queue", "0"], 2),
        ([str(model), "--body", "1000"], 2),
        ([str(model), "--memory", "50"], 2),
        ([f"a={model}", f"a={model}"], 2),
    ):
        assert main(["serve", *arguments, "--port", "0"]) == code, arguments
        error = capsys.readouterr().err
        assert "error: " in error
        assert "Traceback" not in error
