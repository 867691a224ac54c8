"""Try the package on every Python that this machine has, python3.11 to python3.14 on the PATH.

Usage: python tools/matrix.py. For each a clean environment, `pip install .[run]`, and the demo on one scene. Says of
each whether it works or is not here; ends with 1 if one does not work.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MINORS = (11, 12, 13, 14)


def works(python: str) -> bool:
    """Whether the package installs with this Python and segments a scene."""
    with tempfile.TemporaryDirectory() as scratch:
        programs = Path(scratch) / "venv" / "bin"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        for command in (
            [python, "-m", "venv", str(programs.parent)],
            [str(programs / "pip"), "install", "-q", f"{ROOT}[run]"],
            [str(programs / "veilseg"), "demo", "--scenes", "1", "-o", "demo"],
        ):
            if subprocess.run(command, cwd=scratch, env=environment, check=False).returncode:
                return False
    return True


def main() -> int:
    """Try them all, print a line for each."""
    results = {}
    for minor in MINORS:
        python = shutil.which(f"python3.{minor}")
        results[minor] = "not here" if python is None else "works" if works(python) else "FAILS"
    for minor, result in results.items():
        print(f"Python 3.{minor}: {result}")
    return int("FAILS" in results.values())


if __name__ == "__main__":
    sys.exit(main())
