"""What is said to the person, on stderr: results alone go to stdout."""

from __future__ import annotations

import sys


def show_error(message: str, hint: str | None = None, *, what: str = "error") -> None:
    """Print `error: ...` (or what else it is) and, where there is one, `hint: ...`, in age's manner."""
    print(f"{what}: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print `warning: ...` without the place in the code; fits `warnings.showwarning`."""
    print(f"warning: {message}", file=sys.stderr)


def note(message: str) -> None:
    """Print a line that is worth knowing but is not the result."""
    print(message, file=sys.stderr)
