"""The optimizer's parameter groups: which learning rate and weight decay every parameter gets."""

from __future__ import annotations

from typing import Any

from torch import nn

from veilseg.errors import UsageError
from veilseg.models.networks.protocol import HasTrunk
from veilseg.training.recipe import OptimizerSection


def parameter_groups(network: nn.Module, section: OptimizerSection) -> list[dict[str, Any]]:
    """Groups for torch's optimizers, over all parameters of `network` that are trained.

    With `trunk_rate` the backbone's last layer gets that rate, and every layer towards the pixels `layer_decay` times
    the one above it; everything else gets `learning_rate`. Biases, norms and scales of layers have no weight decay.

    Raises:
        UsageError: The recipe has a rate for a trunk, and the network has none.
    """
    rates: dict[int, float] = {}
    if section.trunk_rate is not None:
        if not isinstance(network, HasTrunk):
            raise UsageError("this network has no trunk with a rate of its own", "leave optimizer.trunk_rate out")
        layers = network.trunk_layers()
        for index, layer in enumerate(layers):
            rate = section.trunk_rate * section.layer_decay ** (len(layers) - 1 - index)
            rates |= {id(parameter): rate for parameter in layer}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = section.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates.get(id(parameter), section.learning_rate), decay), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]
