"""create_model: names, classes, inputs, and the config that rebuilds the network."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.models.conftest import TINY_CONV, TINY_VIT, images, tiny_conv, tiny_setr
from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import ModelConfig
from veilseg.models import create_model
from veilseg.models.base import model_from_config
from veilseg.models.encryption.stems import find_patchify
from veilseg.spec import CipherSpec


@pytest.mark.parametrize("name", ["setr-naive", "setr-pup", "setr-mla", "convseg"])
def test_config_rebuilds_the_network(name):
    options = TINY_CONV if name == "convseg" else TINY_VIT
    model = create_model(name, classes=("road", "car"), palette=[(1, 2, 3), (4, 5, 6)], **options).eval()
    config = ModelConfig.from_json(model.config.to_json())
    assert config == model.config
    again = model_from_config(config).eval()
    again.load_state_dict(model.state_dict())
    pixels = images(1, 3, 48, 64)
    assert torch.equal(again(pixels), model(pixels))
    assert config.classes == ("road", "car")
    assert model.num_classes == 2


def test_inputs():
    assert tiny_conv().config.input == InputSpec()
    for name, cipher in (("canonical", "subblock-sort"), ("shuffled", "subblock-shuffle"), ("mosaic", "mosaic")):
        made = tiny_conv(input=name, sub_block=8)
        assert made.config.input == InputSpec(CipherSpec(cipher, 16, 8))
    assert tiny_conv(input="quartiles").config.input == InputSpec(CipherSpec("subblock-quartiles", 12, 12))
    assert tiny_conv(input="quartiles", sub_block=8).network.patch == 8


def test_convseg_takes_whole_sub_blocks():
    assert find_patchify(tiny_conv(input="canonical", sub_block=8)).kernel_size == (8, 8)
    assert find_patchify(tiny_conv(input="canonical", sub_block=8, patch=4)).kernel_size == (4, 4)
    assert find_patchify(tiny_conv()).kernel_size == (4, 4)
    assert tiny_conv().config.size_multiple == 4
    assert tiny_conv(input="canonical", sub_block=8).config.size_multiple == 16


@pytest.mark.parametrize("make", [tiny_setr, tiny_conv])
def test_key_invariance(make):
    """Pixels shuffled inside sub-blocks and channels traded there, any way at all: the same bits come out."""
    model = make(input="canonical", sub_block=8)
    pixels = images(2, 3, 32, 48)
    shuffled = pixels.numpy().copy()
    rng = np.random.default_rng(0)
    for image in shuffled:
        for top in range(0, 32, 8):
            for left in range(0, 48, 8):
                part = image[:, top : top + 8, left : left + 8].reshape(3, 64)
                part = rng.permuted(part, axis=1)[rng.permutation(3)]
                image[:, top : top + 8, left : left + 8] = part.reshape(3, 8, 8)
    assert not np.array_equal(shuffled, pixels.numpy())
    with torch.no_grad():
        wanted = model(pixels)
        assert torch.equal(model(torch.from_numpy(shuffled)), wanted)
        assert torch.equal(model(torch.from_numpy(shuffled).float()), wanted)
        model.prepare.enabled = False
        assert not torch.equal(model(torch.from_numpy(shuffled)), wanted)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("setr-max", {"num_classes": 5}),
        ("convseg", {}),
        ("convseg", {"num_classes": 5, "classes": ("a", "b")}),
        ("convseg", {"num_classes": 5, "input": "patch-permutation"}),
        ("convseg", {"num_classes": 5, "input": "canonical", "sub_block": 5}),
        ("convseg", {"num_classes": 5, "pretrained": True}),
        ("convseg", {"num_classes": 5, "nonsense": 1}),
        ("convseg", {"num_classes": 5, "palette": [(0, 0, 0)]}),
        ("setr-mla", {"num_classes": 5, "decoder": "pup"}),
        ("setr-mla", {"num_classes": 5, "nonsense": 1}),
    ],
)
def test_what_does_not_fit_is_refused(name, options):
    with pytest.raises(UsageError):
        create_model(name, **options)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "os.system"},
        {"arguments": {"pretrained": True}},
        {"arguments": {"nonsense": 1}},
        {"arguments": {"widths": "abc"}},
        {"arguments": {"patch": -1}},
        {"arguments": {"depths": [0, 10**6, 0, 0]}},
        {"arguments": {"depths": [1] * 10**4, "widths": [8] * 10**4}},
        {"arguments": {"widths": [8, 8, 8, 10**9]}},
        {"arguments": {"stem_block": 2**20}},
        {"architecture": "setr-mla", "arguments": {"backbone": "vit_tiny_patch16_224", "depth": 10**6}},
        {"arguments": {"stem_block": 17}},
        {"architecture": "setr-mla", "arguments": {"backbone": "hf-hub:someone/something"}},
        {"architecture": "setr-mla", "arguments": {"checkpoint_path": "x.pth"}},
    ],
)
def test_hostile_configs(change):
    text = json.dumps({**json.loads(tiny_conv().config.to_json()), **change})
    with pytest.raises(InvalidModelError):
        model_from_config(ModelConfig.from_json(text))
