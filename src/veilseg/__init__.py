"""veilseg: semantic segmentation on visually encrypted images."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from veilseg import telemetry

if TYPE_CHECKING:
    from veilseg.ciphers import Cipher, EncryptedImage, cipher
    from veilseg.client import AsyncClient, Client
    from veilseg.errors import (
        InvalidDataError,
        InvalidImageError,
        InvalidKeyError,
        InvalidModelError,
        ServiceError,
        UsageError,
        VeilsegError,
    )
    from veilseg.keys import Key
    from veilseg.runtime import Segmenter

__version__ = "0.1.0"

# Before anything else is imported: libraries look at import time whether they may report their use.
telemetry.switch_off()

#: What most people need, and where it lives; imported on first use, so that `import veilseg` costs nothing.
_PUBLIC = {
    "AsyncClient": "veilseg.client",
    "Cipher": "veilseg.ciphers",
    "Client": "veilseg.client",
    "EncryptedImage": "veilseg.ciphers",
    "InvalidDataError": "veilseg.errors",
    "InvalidImageError": "veilseg.errors",
    "InvalidKeyError": "veilseg.errors",
    "InvalidModelError": "veilseg.errors",
    "Key": "veilseg.keys",
    "Segmenter": "veilseg.runtime",
    "ServiceError": "veilseg.errors",
    "UsageError": "veilseg.errors",
    "VeilsegError": "veilseg.errors",
    "cipher": "veilseg.ciphers",
}

__all__ = [
    "AsyncClient",
    "Cipher",
    "Client",
    "EncryptedImage",
    "InvalidDataError",
    "InvalidImageError",
    "InvalidKeyError",
    "InvalidModelError",
    "Key",
    "Segmenter",
    "ServiceError",
    "UsageError",
    "VeilsegError",
    "__version__",
    "cipher",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'veilseg' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
