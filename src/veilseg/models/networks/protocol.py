"""What the rest asks of a network: images in, logits out, and what it may offer besides.

A network is any torch module that maps raw pixels float [N, 3, H, W] to logits float [N, K, H, W]. All else is
optional; whoever needs one of these asks `isinstance(network, Widenable)`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class OnGrid(Protocol):
    """Takes images whose sides are multiples of `size_multiple` pixels; of others it is 16."""

    size_multiple: int


@runtime_checkable
class Described(Protocol):
    """Knows the arguments, ready for JSON, that rebuild it; others are rebuilt from those they were made with."""

    arguments: dict[str, Any]


@runtime_checkable
class ScoresForTraining(Protocol):
    """Gives a loss its logits and those of its auxiliary heads, float [N, K, h, w], each at its own resolution."""

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]: ...


@runtime_checkable
class HasTokenLayer(Protocol):
    """Names the layer whose output, float [N, C, h, w] or [N, T, C], distillation compares."""

    @property
    def token_layer(self) -> nn.Module: ...


@runtime_checkable
class HasTrunk(Protocol):
    """Has a trunk that may be pretrained, and then learns more slowly towards the pixels."""

    def trunk_layers(self) -> list[list[nn.Parameter]]:
        """Its parameters, layer by layer from the pixels up."""


@runtime_checkable
class Widenable(Protocol):
    """Rewrites its patch embedding, in place, for blocks of more pixels; its argument `stem_block` builds it so.

    What is computed stays. Raises UsageError for a block that is no multiple of the patch.
    """

    def widen_patch(self, block: int) -> None: ...


@runtime_checkable
class Foldable(Protocol):
    """Normalizes pixels, or lets its first convolution do that; both in place, and what is computed stays."""

    def fold_normalization(self) -> None: ...

    def unfold_normalization(self) -> None: ...
