"""Training inputs that do not depend on which sample is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from veilseg.ciphers.base import InputTransform
from veilseg.ciphers.grid import Pixels


@dataclass(frozen=True)
class _WithoutIdentity:
    transform: Callable[[Pixels], NDArray[Any]]

    def __call__(self, image: Pixels, identity: str) -> NDArray[Any]:
        return self.transform(image)


def without_identity(transform: Callable[[Pixels], NDArray[Any]]) -> InputTransform:
    """`transform` as an InputTransform that ignores the sample's identity; it can be pickled where `transform` can."""
    return _WithoutIdentity(transform)
