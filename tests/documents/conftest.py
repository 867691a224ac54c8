"""The site, built as `make docs` builds it, once for all tests and workers; a browser; an address to open it at."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.service import SOURCE
from tests.web.conftest import browser

__all__ = ["browser"]
ROOT = Path(__file__).parents[2]


def build(folder: Path) -> Path:
    """Build the site in a folder, without a network where the system allows that; warnings are errors (mkdocs.yml)."""
    alone = ["unshare", "--net", "--map-root-user"]
    if shutil.which(alone[0]) is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        alone = []
    pages, site = folder / "pages", folder / "site"
    environment = {**os.environ, "PYTHONPATH": SOURCE, "VEILSEG_PAGES": str(pages), "NO_MKDOCS_2_WARNING": "1"}
    commands = (
        [sys.executable, "tools/site.py", str(pages)],
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)],
    )
    for command in commands:
        done = subprocess.run(
            [*alone, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "documents" / "done"
        if not done.exists():
            (shared / "documents").mkdir(exist_ok=True)
            build(shared / "documents")
            done.touch()
    return shared / "documents" / "site"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served for the browser."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
