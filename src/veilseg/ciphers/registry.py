"""From a cipher's name to the class that implements it, as its row in the catalogue says."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from veilseg import catalog


def implementation(name: str) -> Any:
    """The `Cipher` subclass of a name; imported here, by name, because rows come from other packages too.

    Raises UsageError for an unknown name.
    """
    module, _, attribute = catalog.facts(name).implementation.partition(":")
    return getattr(import_module(module), attribute)
