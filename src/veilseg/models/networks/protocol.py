"""What the rest asks of a network: images in, logits out, and what it may offer besides.

A network is any torch module that maps raw pixels float [N, 3, H, W] to logits float [N, K, H, W]. Everything else is
optional; whoever needs one of these asks `isinstance(network, Widenable)`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

DEFAULT_MULTIPLE = 16


@runtime_checkable
class OnGrid(Protocol):
    """Takes images whose sides are multiples of so many pixels; others: of DEFAULT_MULTIPLE."""

    size_multiple: int


@runtime_checkable
class Described(Protocol):
    """Knows the arguments, ready for JSON, that rebuild it; others are rebuilt from those they were made with."""

    arguments: dict[str, Any]


@runtime_checkable
class ScoresForTraining(Protocol):
    """Has coarser or additional scores for a loss."""

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits and those of the auxiliary heads, float [N, K, h, w], each at a resolution of its own."""


@runtime_checkable
class HasTokenLayer(Protocol):
    """Names the layer whose output says most about the scene: what distillation compares."""

    @property
    def token_layer(self) -> nn.Module:
        """Its output is float [N, C, h, w], or [N, T, C] as transformers have it."""


@runtime_checkable
class HasTrunk(Protocol):
    """Has a trunk that may be pretrained, and then learns more slowly towards the pixels."""

    def trunk_layers(self) -> list[list[nn.Parameter]]:
        """Its parameters, layer by layer from the pixels up."""


@runtime_checkable
class Widenable(Protocol):
    """Can rewrite its patch embedding for larger blocks."""

    def widen_patch(self, block: int) -> None:
        """In place, for blocks of so many pixels, a multiple of the patch; what is computed stays. Else UsageError."""


@runtime_checkable
class Foldable(Protocol):
    """Normalizes pixels, and can let its first convolution do that."""

    def fold_normalization(self) -> None:
        """Put the statistics into the first convolution, in place; what is computed stays."""

    def unfold_normalization(self) -> None:
        """Take them out again, for training."""


def size_multiple(network: nn.Module) -> int:
    """What the sides of a network's images must be multiples of, in pixels."""
    return network.size_multiple if isinstance(network, OnGrid) else DEFAULT_MULTIPLE
