"""Which layer a key is built into: found by itself or by its path, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from tests.models.encrypted import KEYS
from veilseg.errors import InvalidModelError, UsageError
from veilseg.models import encrypt_model, rekey_model
from veilseg.models.encryption.marks import input_spec


def test_a_stem_by_its_path() -> None:
    model: Any = nn.ModuleDict({"thumbnail": nn.Conv2d(3, 4, 2, stride=2), "stem": nn.Conv2d(3, 8, 4, stride=4)})
    with pytest.raises(InvalidModelError, match="stem="):
        encrypt_model(model, KEYS[0])
    encrypted_model = encrypt_model(model, KEYS[0], stem="stem")
    assert input_spec(encrypted_model).block == 4
    assert torch.equal(encrypted_model["thumbnail"].weight, model["thumbnail"].weight)
    assert not torch.equal(encrypted_model["stem"].weight, model["stem"].weight)
    rekeyed = rekey_model(encrypted_model, KEYS[0], KEYS[1], stem="stem")
    assert input_spec(rekeyed).key_fingerprint == KEYS[1].fingerprint
    with pytest.raises(UsageError, match="nowhere"):
        encrypt_model(model, KEYS[0], stem="nowhere")
    for part in (nn.Linear(3, 4), nn.Conv2d(1, 4, 2, stride=2), nn.Conv2d(3, 4, 3, stride=2, padding=1)):
        with pytest.raises(InvalidModelError):
            encrypt_model(nn.ModuleDict({"part": part}), KEYS[0], stem="part")


def test_stems_whose_weight_is_made_anew() -> None:
    with pytest.raises(InvalidModelError, match="computed anew"):
        encrypt_model(nn.Sequential(weight_norm(nn.Conv2d(3, 8, 4, stride=4))), KEYS[0])
    with torch.device("meta"):
        empty = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4))
    with pytest.raises(InvalidModelError, match="not floating-point"):
        encrypt_model(empty, KEYS[0])


@pytest.mark.parametrize("name", ["segformer", "hiera", "resnet", "timm"])
def test_overlapping_stems_are_refused_with_the_reason(name: str) -> None:
    import transformers as t

    stages = {"num_encoder_blocks": 1, "depths": [1], "sr_ratios": [1], "hidden_sizes": [8], "num_attention_heads": [1],
              "patch_sizes": [7], "strides": [4], "mlp_ratios": [1]}  # fmt: skip
    hiera = {"embed_dim": 8, "depths": [1] * 4, "num_heads": [1] * 4}
    resnet = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}
    models = {
        "segformer": lambda: t.SegformerForSemanticSegmentation(t.SegformerConfig(**stages, decoder_hidden_size=8)),
        "hiera": lambda: t.HieraModel(t.HieraConfig(**hiera)),
        "resnet": lambda: t.ResNetModel(t.ResNetConfig(**resnet)),
        "timm": lambda: timm.create_model("resnet10t"),
    }
    with pytest.raises(InvalidModelError, match="neighbouring blocks") as caught:
        encrypt_model(models[name](), KEYS[0])
    assert "overlapping stems (SegFormer, Hiera, ResNet)" in str(caught.value.hint)
