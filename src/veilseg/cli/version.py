"""`veilseg --version`: a line for people, and with --json what a report of a fault needs."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version

from veilseg import __version__
from veilseg.errors import UsageError

_PACKAGES = ("numpy", "numba", "onnxruntime", "torch")


def print_version(arguments: list[str]) -> None:
    """Print the version, with the argument --json as JSON with versions of what matters; null is not installed."""
    if not arguments:
        print(f"veilseg {__version__}")
        return
    if arguments != ["--json"]:
        raise UsageError("--version takes nothing but --json", "veilseg --version --json")
    from veilseg.header import VERSION

    told = {"veilseg": __version__, "image_format": VERSION, "python": platform.python_version()}
    print(json.dumps({**told, "system": platform.platform(), **{name: _installed(name) for name in _PACKAGES}}))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
