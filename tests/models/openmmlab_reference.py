"""OpenMMLab's SETR from a checkpoint's tensors alone: functions of torch, no module of ours. Random checkpoints too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

HEADS = 4


def saved(path: Path, state: dict[str, Tensor], **content: Any) -> Path:
    torch.save({"state_dict": state, **content}, path)
    return path


def pixels(height: int, width: int) -> Tensor:
    tiles = torch.randint(0, 256, (2, 3, height // 8, width // 8), generator=torch.Generator().manual_seed(1))
    return tiles.repeat_interleave(8, 2).repeat_interleave(8, 3).to(torch.uint8)


State = dict[str, Tensor]
MEAN = torch.tensor([123.675, 116.28, 103.53], dtype=torch.float64)
STD = torch.tensor([58.395, 57.12, 57.375], dtype=torch.float64)


def random_state(
    decoder: str, *, width: int = 32, depth: int = 4, grid: tuple[int, int] = (4, 4), classes: int = 5,
    channels: int = 16, auxiliary_convs: int = 1, patch: int = 16,
) -> State:  # fmt: skip
    """A checkpoint's state_dict with mmsegmentation's names and shapes, numbers large enough to matter."""
    generator = torch.Generator().manual_seed(len(decoder) + depth)
    state: State = {}

    def put(name: str, *shape: int, scale: float | None = None, about: float = 0.0) -> None:
        spread = (1.0 / max(1, torch.Size(shape[1:]).numel())) ** 0.5 if scale is None else scale
        state[name] = about + spread * torch.randn(shape, generator=generator)

    def pair(name: str, *shape: int) -> None:
        put(f"{name}.weight", *shape)
        put(f"{name}.bias", shape[0], scale=0.3)

    def norm(name: str, size: int) -> None:
        put(f"{name}.weight", size, scale=0.2, about=1.0)
        put(f"{name}.bias", size, scale=0.2)

    def conv(name: str, outputs: int, inputs: int, kernel: int) -> None:
        put(f"{name}.conv.weight", outputs, inputs, kernel, kernel)
        norm(f"{name}.bn", outputs)
        put(f"{name}.bn.running_mean", outputs, scale=0.2)
        state[f"{name}.bn.running_var"] = 0.5 + torch.rand(outputs, generator=generator)
        state[f"{name}.bn.num_batches_tracked"] = torch.tensor(7)

    put("backbone.cls_token", 1, 1, width, scale=0.5)
    put("backbone.pos_embed", 1, grid[0] * grid[1] + 1, width, scale=0.5)
    pair("backbone.patch_embed.projection", width, 3, patch, patch)
    for index in range(depth):
        block = f"backbone.layers.{index}"
        norm(f"{block}.ln1", width)
        norm(f"{block}.ln2", width)
        put(f"{block}.attn.attn.in_proj_weight", 3 * width, width, scale=2.0 / width**0.5)
        put(f"{block}.attn.attn.in_proj_bias", 3 * width, scale=0.2)
        pair(f"{block}.attn.attn.out_proj", width, width)
        pair(f"{block}.ffn.layers.0.0", 4 * width, width)
        pair(f"{block}.ffn.layers.1", width, 4 * width)
    if decoder == "mla":
        for index in range(4):
            norm(f"neck.norm.{index}", width)
            conv(f"neck.mla.channel_proj.{index}", channels, width, 1)
            conv(f"neck.mla.feat_extract.{index}", channels, channels, 3)
            conv(f"decode_head.up_convs.{index}.0", channels // 2, channels, 3)
            conv(f"decode_head.up_convs.{index}.1", channels // 2, channels // 2, 3)
            pair(f"auxiliary_head.{index}.conv_seg", classes, channels, 1, 1)
        pair("decode_head.conv_seg", classes, 2 * channels, 1, 1)
        return state
    kernel = 3 if decoder == "pup" else 1
    heads = {"decode_head": 4 if decoder == "pup" else 1, **{f"auxiliary_head.{i}": auxiliary_convs for i in range(3)}}
    for head, steps in heads.items():
        norm(f"{head}.norm", width)
        for step in range(steps):
            conv(f"{head}.up_convs.{step}.0", channels, width if step == 0 else channels, kernel)
        pair(f"{head}.conv_seg", classes, channels, 1, 1)
    return state


def forward(
    state: State, decoder: str, images: Tensor, *, heads: int, taps: tuple[int, ...], grid: tuple[int, int],
    mode: str = "bilinear",
) -> tuple[Tensor, list[Tensor]]:  # fmt: skip
    """(logits at the image's size, auxiliary logits as the heads give them) of raw RGB pixels [N, 3, H, W]."""
    normalized = ((images - MEAN[:, None, None]) / STD[:, None, None]).to(state["backbone.pos_embed"])
    maps = _backbone(state, normalized, heads, taps, grid, mode, with_cls_token=decoder != "mla")
    if decoder == "mla":
        levels = _neck(state, maps)
        fine = []
        for index, level in enumerate(levels):
            level = _conv(state, f"decode_head.up_convs.{index}.0", level)
            fine.append(_resize(_conv(state, f"decode_head.up_convs.{index}.1", level), 4))
        scores = _classify(state, "decode_head", torch.cat(fine, 1))
        auxiliary = [_classify(state, f"auxiliary_head.{index}", level) for index, level in enumerate(levels)]
    else:
        scores = _up(state, "decode_head", maps[3], 2 if decoder == "pup" else 4)
        auxiliary = [_up(state, f"auxiliary_head.{index}", maps[index], 4) for index in range(3)]
    return F.interpolate(scores, images.shape[-2:], mode="bilinear", align_corners=False), auxiliary


def _backbone(
    state: State, pixels: Tensor, heads: int, taps: tuple[int, ...], grid: tuple[int, int], mode: str,
    *, with_cls_token: bool,
) -> list[Tensor]:  # fmt: skip
    weight = state["backbone.patch_embed.projection.weight"]
    x = F.conv2d(pixels, weight, state["backbone.patch_embed.projection.bias"], stride=weight.shape[-1])
    count, width, rows, columns = x.shape
    x = torch.cat([state["backbone.cls_token"].expand(count, -1, -1), x.flatten(2).mT], 1)
    table = state["backbone.pos_embed"]
    if (rows, columns) != grid:
        plane = table[:, 1:].mT.reshape(1, width, *grid)
        plane = F.interpolate(plane, (rows, columns), mode=mode, align_corners=False)
        table = torch.cat([table[:, :1], plane.flatten(2).mT], 1)
    x = x + table
    if not with_cls_token:
        x = x[:, 1:]
    out = []
    for index in range(max(taps) + 1):
        p = f"backbone.layers.{index}"
        h = _norm(state, f"{p}.ln1", x)
        qkv = h @ state[f"{p}.attn.attn.in_proj_weight"].T + state[f"{p}.attn.attn.in_proj_bias"]
        q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2))
        attention = (q @ k.mT / (width / heads) ** 0.5).softmax(-1) @ v
        x = x + _linear(state, f"{p}.attn.attn.out_proj", attention.transpose(1, 2).flatten(2))
        h = F.gelu(_linear(state, f"{p}.ffn.layers.0.0", _norm(state, f"{p}.ln2", x)))
        x = x + _linear(state, f"{p}.ffn.layers.1", h)
        if index in taps:
            out.append(x[:, int(with_cls_token) :].mT.reshape(count, width, rows, columns))
    return out


def _neck(state: State, maps: list[Tensor]) -> list[Tensor]:
    normed = [_norm(state, f"neck.norm.{i}", tap.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) for i, tap in enumerate(maps)]
    reduced = [_conv(state, f"neck.mla.channel_proj.{i}", tap) for i, tap in enumerate(normed)]
    sums: list[Tensor] = []
    for tap in reversed(reduced):
        sums.append(tap if not sums else sums[-1] + tap)
    return [_conv(state, f"neck.mla.feat_extract.{i}", total) for i, total in enumerate(sums)]


def _up(state: State, head: str, x: Tensor, scale: int) -> Tensor:
    x = _norm(state, f"{head}.norm", x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    step = 0
    while f"{head}.up_convs.{step}.0.conv.weight" in state:
        x = _resize(_conv(state, f"{head}.up_convs.{step}.0", x), scale)
        step += 1
    return _classify(state, head, x)


def _conv(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.conv.weight"]
    x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    mean, variance = state[f"{name}.bn.running_mean"], state[f"{name}.bn.running_var"]
    return F.batch_norm(x, mean, variance, state[f"{name}.bn.weight"], state[f"{name}.bn.bias"], eps=1e-5).relu()


def _classify(state: State, head: str, x: Tensor) -> Tensor:
    return F.conv2d(x, state[f"{head}.conv_seg.weight"], state[f"{head}.conv_seg.bias"])


def _resize(x: Tensor, scale: int) -> Tensor:
    size = (scale * x.shape[-2], scale * x.shape[-1])
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def _norm(state: State, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], 1e-6)


def _linear(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]
