"""Two processes that share every batch end where one process ends, up to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.training.test_training_run import NETWORK, TINY
from torch import nn

from veilseg.data import open_data
from veilseg.models import create_model, load_model, save_model
from veilseg.training.distributed import GlobalBatchNorm2d, share_batch_norm

# A batch norm follows that takes every constant away: their gradients are rounding, of which Adam makes whole steps.
WITHOUT_EFFECT = ("network.stem.bias", "network.embed.0.bias")


def test_global_batch_norm_is_batch_norm_in_one_process() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Sequential(nn.BatchNorm2d(3)), nn.BatchNorm2d(3)
    theirs.load_state_dict(ours[0].state_dict())
    share_batch_norm(ours)
    assert isinstance(ours[0], GlobalBatchNorm2d)
    x, y = (torch.randn(4, 3, 5, 6) * 7 + 2 for _ in range(2))
    results = []
    for layer in (ours, theirs):
        seen = x.clone().requires_grad_()
        (layer(seen) * y).sum().backward()
        results.append((seen.grad, layer(y), layer.eval()(y)))
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["convseg", "setr-mla", "started"])
def test_two_processes_train_as_one(architecture: str, tmp_path: Path) -> None:
    recipe = {**TINY, "train": {**TINY["train"], "steps": 3, "batch": 4}}
    if architecture == "started":
        data = open_data("scenes:1")
        network: dict[str, Any] = NETWORK
        save_model(create_model("convseg", classes=data.classes, input="canonical", **network), tmp_path / "start")
        recipe |= {"model": {}, "method": {"start": str(tmp_path / "start")}}
    elif architecture != "convseg":
        vit = {"backbone": "vit_tiny_patch16_224", "image_size": 64, "embed_dim": 24, "depth": 4, "num_heads": 2}
        recipe["model"] = {"architecture": architecture, "arguments": {**vit, "decoder_channels": 8}}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    for devices in (1, 2):
        machine = [f"machine.devices={devices}", "machine.accelerator=cpu"]
        command = [
            sys.executable,
            "-m",
            "veilseg.cli.main",
            "train",
            str(path),
            *machine,
            "-o",
            str(tmp_path / str(devices)),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=600
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("mIoU") == 1  # one process speaks
        assert done.stderr.count("before the first step: mIoU") == (architecture == "started")
    one, two = (load_model(tmp_path / str(devices)) for devices in (1, 2))
    assert one.config.training["val_miou"] == pytest.approx(two.config.training["val_miou"], abs=0.5)
    for (name, got), wanted in zip(two.state_dict().items(), one.state_dict().values(), strict=True):
        if name in WITHOUT_EFFECT:
            continue
        torch.testing.assert_close(got, wanted, rtol=2e-3, atol=2e-3, msg=f"{name}: {{}}".format)
