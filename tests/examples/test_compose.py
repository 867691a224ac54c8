"""The service behind nginx, as in the compose file: TLS outside, tokens inside, maps as from the service itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml

import veilseg
from tests.service import PATIENCE, reserved_port, running
from tests.tiny_onnx import CANONICAL, tiny_model
from veilseg.server.tokens import TokenFile

FOLDER = Path(__file__).parents[2] / "examples" / "compose"
COMPOSE = FOLDER / "compose.yaml"
#: Of a service, in the Compose Specification.
KEYS = {
    "build", "image", "read_only", "tmpfs", "cap_drop", "security_opt", "volumes", "restart", "depends_on", "ports",
}  # fmt: skip


def documented(name: str) -> str:
    """The command of the compose file's comment that begins with this word, on one line."""
    comment = "\n".join(line[1:].strip() for line in COMPOSE.read_text().splitlines() if line.startswith("#"))
    (command,) = [line for line in comment.replace("\\\n", " ").splitlines() if line.startswith(f"{name} ")]
    return command


def test_the_compose_file_names_what_exists() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    made_by_hand = {"tokens.json", "cert.pem", "key.pem"}
    for service in services.values():
        assert set(service) <= KEYS
        assert ("build" in service) != ("image" in service)
        for volume in service["volumes"]:
            source, target, mode = volume.split(":")
            assert Path(source).name in made_by_hand or (FOLDER / source).is_file()
            assert target.startswith("/")
            assert mode == "ro"
        assert set(service.get("depends_on", ())) <= set(services)
    build = services["veilseg"]["build"]
    containerfile = (FOLDER / build["context"] / build["dockerfile"]).read_text()
    assert '"--tokens", "/run/tokens.json"' in containerfile
    assert "EXPOSE 8000" in containerfile
    assert "proxy_pass http://veilseg:8000;" in (FOLDER / "nginx.conf").read_text()
    assert "listen 8443 ssl;" in (FOLDER / "nginx.conf").read_text()


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def proxied(folder: Path, port: int, outside: int) -> Iterator[str]:
    """nginx with the example's configuration before a service at this port, itself at `outside`; its address."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if nginx is None:
        pytest.skip("no nginx")
    text = (FOLDER / "nginx.conf").read_text()
    replaced = {
        "http://veilseg:8000": f"http://127.0.0.1:{port}",
        "listen 8443": f"listen 127.0.0.1:{outside}",
        "/etc/nginx/": f"{folder}/",
        "events {}": f"events {{}}\npid {folder}/nginx.pid;\ndaemon off;",
    }
    for before, after in replaced.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "nginx.conf").write_text(text)
    command = [nginx, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True)
    with subprocess.Popen(command) as process:
        try:
            end = time.monotonic() + PATIENCE
            while not answers(outside):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            yield f"https://localhost:{outside}"
        finally:
            process.terminate()


def test_a_client_reaches_the_service_through_nginx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = documented("openssl").replace("examples/compose/", f"{tmp_path}/")
    subprocess.run(certificate.split(), check=True, capture_output=True)
    model = tiny_model(tmp_path / "tiny", CANONICAL)
    token = TokenFile(tmp_path / "tokens.json").add("camera-7")
    image = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    with (
        running(tmp_path, str(model), "--tokens", str(tmp_path / "tokens.json")) as service,
        reserved_port() as outside,
        proxied(tmp_path, service.port, outside) as url,
    ):
        with pytest.raises(veilseg.ServiceError), veilseg.Client(url, token) as client:
            client.segment(image)  # nobody vouches for the certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with veilseg.Client(url, token) as client, veilseg.Client(service.url, token) as direct:
            assert np.array_equal(client.segment(image), direct.segment(image))
        with pytest.raises(veilseg.ServiceError), veilseg.Client(url) as stranger:
            stranger.segment(image)
        plain_http = url.replace("https", "http").replace("localhost", "127.0.0.1")
        assert httpx.get(plain_http).status_code == 400
