"""Which layer a key is built into: found by itself or by its path, or refused with the reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from tests.models import families
from tests.models.encrypted import KEYS
from tests.models.folders import processor
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError, UsageError
from veilseg.keys import Key
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
    for part in (nn.Linear(3, 4), nn.Identity(), nn.Conv2d(1, 4, 2, stride=2), nn.Conv2d(3, 4, 3, stride=2, padding=1)):
        with pytest.raises(InvalidModelError):
            encrypt_model(nn.ModuleDict({"part": part}), KEYS[0], stem="part")


def test_stems_whose_weight_is_made_anew() -> None:
    with pytest.raises(InvalidModelError, match="computed anew"):
        encrypt_model(nn.Sequential(weight_norm(nn.Conv2d(3, 8, 4, stride=4))), KEYS[0])
    with torch.device("meta"):
        empty = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4))
    with pytest.raises(InvalidModelError, match="not floating-point"):
        encrypt_model(empty, KEYS[0])


def overlapping() -> dict[str, Any]:
    """Functions that make networks of transformers whose stems overlap."""
    import transformers as t

    stages = {"num_encoder_blocks": 1, "depths": [1], "sr_ratios": [1], "hidden_sizes": [8], "num_attention_heads": [1],
              "patch_sizes": [7], "strides": [4], "mlp_ratios": [1]}  # fmt: skip
    hiera = {"embed_dim": 8, "depths": [1] * 4, "num_heads": [1] * 4}
    resnet = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}
    return {
        "segformer": lambda: t.SegformerForSemanticSegmentation(t.SegformerConfig(**stages, decoder_hidden_size=8)),
        "hiera": lambda: t.HieraModel(t.HieraConfig(**hiera)),
        "resnet": lambda: t.ResNetModel(t.ResNetConfig(**resnet)),
    }


@pytest.mark.parametrize("name", ["segformer", "hiera", "resnet", "timm"])
def test_overlapping_stems_are_refused_with_the_reason(name: str) -> None:
    models = {**overlapping(), "timm": lambda: timm.create_model("resnet10t")}
    with pytest.raises(InvalidModelError, match="neighbouring blocks") as caught:
        encrypt_model(models[name](), KEYS[0])
    assert "overlapping stems (SegFormer, Hiera, ResNet)" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.Conv3d(3, 8, (2, 4, 4), stride=(1, 4, 4)), "mixes neighbouring blocks"),
        (nn.Conv3d(1, 8, (2, 4, 4), stride=(2, 4, 4)), "no convolution"),
        (nn.Linear(3 * 16 * 12, 8), "no square patch"),
        (nn.Conv2d(4, 8, 4, stride=4), "takes 4 channels"),
        (nn.Conv2d(3, 8, (5, 3), stride=(5, 3)), "5 x 3 pixels, are not made of square blocks"),
        (nn.Conv2d(3, 8, 1), "single pixels"),
        (nn.Conv2d(3, 8, 4, stride=2), "mixes neighbouring blocks"),
        (nn.Identity(), "no convolution"),
    ],
)
def test_refusals_name_the_true_reason(layer: nn.Module, reason: str) -> None:
    with pytest.raises(InvalidModelError, match=reason):
        encrypt_model(nn.ModuleDict({"patch_embed": layer}), KEYS[0])


@pytest.mark.parametrize("stem", [nn.Conv2d(3, 8, 4, stride=4), nn.Linear(48, 8)])
def test_copies_that_peft_trains(stem: nn.Module) -> None:
    """`modules_to_save` keeps the plain module beside the trained one."""

    class ModulesToSaveWrapper(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.original_module = module
            self.modules_to_save = nn.ModuleDict({"default": copy.deepcopy(module)})

    with pytest.raises(InvalidModelError, match="a plain and a trained copy") as caught:
        encrypt_model(nn.ModuleDict({"patch_embed": ModulesToSaveWrapper(stem)}), KEYS[0])
    assert "merge" in str(caught.value.hint)
    head = nn.ModuleDict({"patch_embed": nn.Conv2d(3, 8, 4, stride=4), "head": ModulesToSaveWrapper(nn.Linear(48, 8))})
    encrypt_model(head, KEYS[0])


def test_the_command_takes_the_path_of_the_stem(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    plain: Any = families.wake(families.upernet("convnext"))
    plain.save_pretrained("source")
    processor("upernet-convnext").save_pretrained("source")
    path = next(name for name, part in plain.named_modules() if getattr(part, "in_channels", 0) == 3)
    for stem, code in ((path, 0), ("nowhere.proj", 2), (path.rpartition(".")[0], 1)):
        assert main(["encrypt-model", "source", "--key", "my.key", "--stem", stem, "-o", f"out{code}"]) == code
    assert "has no layer 'nowhere.proj'" in capsys.readouterr().err
    rekey = ["rekey-model", "out0", "--old", "my.key", "--new", "next.key", "--stem", path, "-o", "moved"]
    assert main(rekey) == 0
    assert main(["encrypt-model", "plain", "--key", "my.key", "--stem", path, "-o", "own"]) == 2
