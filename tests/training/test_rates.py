"""The trunk's learning rate falls from block to block; the rest keeps its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from veilseg.errors import UsageError
from veilseg.models import create_model
from veilseg.training.module import parameter_groups
from veilseg.training.recipe import OptimizerSection

VIT: dict[str, Any] = {
    "backbone": "vit_tiny_patch16_224",
    "image_size": 64,
    "embed_dim": 24,
    "depth": 4,
    "num_heads": 2,
}
SECTION = OptimizerSection(learning_rate=1e-3, trunk_rate=1e-4, layer_decay=0.5, weight_decay=0.1)


def test_rates_fall_towards_the_pixels() -> None:
    network: Any = create_model("setr-mla", num_classes=5, decoder_channels=8, class_token=True, **VIT).network
    found = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in parameter_groups(network, SECTION)
        for parameter in group["params"]
    }
    named = dict(network.named_parameters())
    assert found.keys() == {id(parameter) for parameter in named.values()}
    for name, parameter in named.items():
        rate, decay = found[id(parameter)]
        if ".blocks." in name:
            block = int(name.split(".blocks.")[1].split(".")[0])
            assert rate == pytest.approx(1e-4 * 0.5 ** (3 - block))
        elif name.startswith("backbone."):
            assert rate == pytest.approx(1e-4 * 0.5**4)
        else:
            assert rate == 1e-3
        assert decay == (0.1 if parameter.ndim > 1 else 0)


def test_without_a_trunk_rate_all_have_one() -> None:
    network: Any = create_model("setr-naive", num_classes=5, decoder_channels=8, **VIT).network
    groups = parameter_groups(network, OptimizerSection(learning_rate=1e-3))
    assert {group["lr"] for group in groups} == {1e-3}
    assert len(groups) == 2


def test_what_is_frozen_has_no_group() -> None:
    network: Any = create_model("setr-mla", num_classes=5, decoder_channels=8, **VIT).network
    token = network.backbone.vit.cls_token  # out of the blocks in MLA
    assert not token.requires_grad
    assert all(parameter is not token for group in parameter_groups(network, SECTION) for parameter in group["params"])
    torch.optim.AdamW(parameter_groups(network, SECTION))


def test_a_network_without_a_trunk_is_refused() -> None:
    with pytest.raises(UsageError, match="no trunk"):
        parameter_groups(create_model("convseg", num_classes=5, widths=(8, 8, 8, 8)).network, SECTION)
