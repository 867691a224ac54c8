"""What is said to the person, on stderr: results alone go to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable


def show_error(message: str, hint: str | None = None, *, what: str = "error") -> None:
    """Print `error: ...` (or what else it is) and, where there is one, `hint: ...`, in age's manner."""
    print(f"{what}: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)


def show_warning(message: Warning | str) -> None:
    """Print `warning: ...` without the place in the code."""
    print(f"warning: {message}", file=sys.stderr)


def warnings_said_once() -> Callable[..., None]:
    """`show_warning` for `warnings.showwarning`, each text once and not for each of a thousand photographs."""
    said: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            show_warning(message)

    return show


def note(message: str) -> None:
    """Print a line that is worth knowing but is not the result."""
    print(message, file=sys.stderr)
