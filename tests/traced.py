"""What a process and its children do to the world outside, as the kernel sees it: sockets and files, under strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service import PATIENCE, SOURCE

_CALLS = "connect,sendto,sendmsg,sendmmsg,bind,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,symlink"
_ADDRESS = re.compile(r'sin_port=htons\((\d+)\).*?"([^"]+)"|sin6_port=htons\((\d+)\).*?"([^"]+)"')
_LOCAL = re.compile(r'sun_path=@?"([^"]*)"')
_WRITTEN = re.compile(r'^(?:openat|open|creat)\((?:AT_FDCWD|\d+)?(?:<([^>]*)>)?(?:, )?"([^"]*)"(.*)\) = \d')
_MADE = re.compile(r'^(?:mkdir|mkdirat|rename|renameat|renameat2|link|symlink)\(.*"([^"]*)"[^"]*\) = 0')


@dataclass
class Trace:
    """Addresses as "host:port" or the path of a local socket, and files that were made or opened for writing."""

    code: int
    output: str
    sockets: set[str]
    written: set[Path]


def traced(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Trace:
    """Run `python ARGUMENTS...` under strace in `folder`, with a HOME in it and none of this process's variables.

    None of them: libraries behave where CI is set, and certificates, proxies and caches of a person would hide faults.
    """
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log, home = folder.with_name(folder.name + ".trace"), folder / "home"
    home.mkdir(exist_ok=True)
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": SOURCE,
        "PYTHONDONTWRITEBYTECODE": "1",
        **(environment or {}),
    }
    tracer = ["strace", "-f", "-qq", "-y", "-s", "4096", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", str(log)]
    done = subprocess.run(
        [*tracer, sys.executable, "-P", *arguments],
        cwd=folder,
        env=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    sockets, written = set[str](), set[Path]()
    for line in log.read_text(errors="replace").splitlines():
        call = line.partition(" ")[2].lstrip()
        if address := _ADDRESS.search(call):
            port, host, port6, host6 = address.groups()
            sockets.add(f"{host or host6}:{port or port6}")
        elif local := _LOCAL.search(call):
            sockets.add(local[1])
        elif (opened := _WRITTEN.match(call)) and re.search("O_WRONLY|O_RDWR|O_CREAT", opened[3]):
            written.add(Path(opened[1] or folder, opened[2]))
        elif made := _MADE.match(call):
            written.add(Path(folder, made[1]))
    return Trace(done.returncode, (done.stdout + done.stderr).decode(), sockets, written)
