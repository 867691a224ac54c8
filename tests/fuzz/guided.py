"""One target, guided by coverage, until it has run its cases or found something: `python -m tests.fuzz.guided ...`.

libFuzzer ends the process itself, so that every target has one of its own. Arguments: the target, and libFuzzer's.
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Fuzz the target of the first argument."""
    name = sys.argv[1]
    with atheris.instrument_imports(include=["veilseg", "yaml", "PIL"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
