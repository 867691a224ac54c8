"""JavaScript of this folder in Node, where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def run_node(script: str, *arguments: Path, given: str = "") -> Any:
    """What a script of this folder prints, as JSON. `given`: its standard input. Skips the test without Node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    command = [node, str(Path(__file__).parent / script), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
