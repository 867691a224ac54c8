"""Errors that a person can act on: what is wrong, and a hint with the way out."""

from __future__ import annotations


class VeilsegError(Exception):
    """Something was refused or failed; the command line prints it and exits with `exit_code`.

    `message` is one sentence without a key, a token or image content in it; `hint` (optional) says what to do.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class UsageError(VeilsegError):
    """The request itself makes no sense: an unknown name, an option out of range, a missing argument."""

    exit_code = 2


class InvalidKeyError(VeilsegError):
    """A key that cannot be read, or that is not the one needed."""


class InvalidImageError(VeilsegError):
    """An image or array that cannot be encrypted, or a file that is not an encrypted image."""


class InvalidDataError(VeilsegError):
    """A dataset that cannot be used: unpaired files, labels out of range, odd sizes."""


class InvalidModelError(VeilsegError):
    """A model that cannot be loaded, encrypted or run on this input."""


class ServiceError(VeilsegError):
    """A service refused, answered nonsense, or could not be reached; `status` is HTTP's where there is one."""

    def __init__(self, message: str, hint: str | None = None, *, status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
