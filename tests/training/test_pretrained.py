"""A run that begins with a pretrained backbone from a file."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from veilseg.errors import UsageError
from veilseg.models import load_model
from veilseg.training.dry_run import dry_run
from veilseg.training.load import from_dict
from veilseg.training.training_run import prepare, train

NAME = "vit_small_patch14_dinov2"
SMALL: dict[str, Any] = {"embed_dim": 24, "depth": 4, "num_heads": 2}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    torch.manual_seed(0)
    folder = tmp_path / "weights"
    folder.mkdir()
    state = timm.create_model(
        NAME, num_classes=0, **SMALL
    ).state_dict()  # scales near 0 would let hardly anything through
    save_file(
        {name: tensor + 0.1 * torch.randn_like(tensor) for name, tensor in state.items()}, folder / "dino.safetensors"
    )
    monkeypatch.setenv("VEILSEG_WEIGHTS", str(folder))
    arguments = {"weights": "$VEILSEG_WEIGHTS/dino.safetensors", "patch_size": 16, "decoder_channels": 8}
    return {
        "model": {
            "architecture": "setr-mla",
            "input": "plain",
            "arguments": {"backbone": NAME, "class_token": True, **arguments, **SMALL},
        },
        "data": {"train": [{"source": "scenes:3"}], "val": {"source": "scenes:1:1"}},
        "augment": {"crop": [64, 64]},
        "optimizer": {"learning_rate": 1e-3, "trunk_rate": 1e-4, "layer_decay": 0.5, "warmup": 0.0},
        "train": {"steps": 2, "batch": 2, "average": 0.0},
        "machine": {"workers": 0, "threads": 1},
    }


def test_the_trunk_moves_less_towards_the_pixels(recipe: dict[str, Any], tmp_path: Path) -> None:
    """AdamW moves every weight by about its learning rate: with the rates of the recipe, so do the blocks."""
    folder = tmp_path / "run"
    run = prepare(from_dict(recipe), folder)
    before = {name: tensor.clone() for name, tensor in run.module.model.network.state_dict().items()}
    run.trainer.fit(run.module, run.data)
    after = run.module.model.network.state_dict()
    moved = [
        float((after[name] - before[name]).abs().mean())
        for name in (f"backbone.vit.blocks.{block}.mlp.fc1.weight" for block in range(4))
    ]
    for lower, upper in pairwise(moved):
        assert upper / lower == pytest.approx(2, rel=0.2)
    head = after["decoder.reduce.0.0.weight"] - before["decoder.reduce.0.0.weight"]
    assert float(head.abs().mean()) / moved[-1] == pytest.approx(10, rel=0.3)


def test_the_model_keeps_the_name_of_its_weights_and_no_path(recipe: dict[str, Any], tmp_path: Path) -> None:
    train(from_dict(recipe), tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["training"]["recipe"]["model"]["arguments"]["weights"] == "dino.safetensors"
    assert "VEILSEG_WEIGHTS" not in json.dumps(config)
    network: Any = load_model(tmp_path / "run").network
    assert network.backbone.grid == (37, 37)


def test_a_dry_run_needs_no_weights(recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VEILSEG_WEIGHTS")
    assert dry_run(from_dict(recipe)) > 0
    with pytest.raises(UsageError, match="VEILSEG_WEIGHTS is not set"):
        prepare(from_dict(recipe), Path("nowhere"))


def test_small_patches_begin_with_a_model_of_large_ones(recipe: dict[str, Any], tmp_path: Path) -> None:
    """Positions lie on the weights' own grid at every patch, so all but the patch embedding fits."""
    train(from_dict(recipe), tmp_path / "large")
    arguments = {**recipe["model"]["arguments"], "patch_size": 8}
    method = {"start": str(tmp_path / "large")}
    small = {**recipe, "model": {**recipe["model"], "arguments": arguments}, "method": method}
    begun = prepare(from_dict(small), tmp_path / "small").module.model.network.state_dict()
    start = load_model(tmp_path / "large").network.state_dict()
    differ = {name for name in start if start[name].shape != begun[name].shape or not begun[name].equal(start[name])}
    assert all("patch_embed" in name or "normalize" in name for name in differ)
