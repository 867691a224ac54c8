"""What is said to the person, on stderr: results alone go to stdout."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator


def show_error(message: str, hint: str | None = None, *, what: str = "error") -> None:
    """Print `error: ...` (or what else it is) and, where there is one, `hint: ...`, in age's manner."""
    note(f"{what}: {message}")
    if hint:
        note(f"hint: {hint}")


def show_warning(message: Warning | str) -> None:
    """Print `warning: ...` without the place in the code."""
    note(f"warning: {message}")


def warnings_said_once() -> Callable[..., None]:
    """`show_warning` for `warnings.showwarning`, each text once and not for each of a thousand photographs."""
    said: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            show_warning(message)

    return show


def note(message: str) -> None:
    """Print a line that is worth knowing but is not the result; characters that steer a terminal are left out."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads it, or stderr was closed
        print("".join(each for each in message if each.isprintable() or each == "\n"), file=sys.stderr)


@contextlib.contextmanager
def notes_of(name: str, *, wanted: bool = True) -> Iterator[None]:
    """Lines at level INFO of the logger `name` are said as notes while the block runs, where they are `wanted`."""
    logger, handler = logging.getLogger(name), _Notes()
    before = logger.level
    if wanted:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())
