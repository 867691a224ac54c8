"""A worker of tools/experiment.py: runs commands of `veilseg` one after another, so that torch is loaded once.

Reads a line of JSON per command from stdin, {"log": FILE, "arguments": [...]}, and writes its exit code to stdout; what
the command prints goes to the end of the file.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

from veilseg.cli.main import main


def serve() -> None:
    """Work until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        job = json.loads(line)
        with Path(job["log"]).open("ab", buffering=0) as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        sys.argv = ["veilseg", *job["arguments"]]  # what results name as their command
        code = main(job["arguments"])
        gc.collect()
        if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
            sys.modules["torch"].cuda.empty_cache()  # the other workers' share
        print(code, file=answers)


if __name__ == "__main__":
    serve()
