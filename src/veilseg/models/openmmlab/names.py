"""OpenMMLab's names for the parts of SETR, and ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_PAIR = ("weight", "bias")
#: Other names that were given to the same tensors, in the order in which they are replaced.
_ALIASES = (
    (r"^module\.", ""),  # saved from a parallel wrapper
    (r"^backbone\.blocks\.", "backbone.layers."),  # timm's names, before OpenMMLab had its own attention
    (r"^(backbone\.layers\.\d+)\.norm(\d)\.", r"\1.ln\2."),
    (r"\.mlp\.fc1\.", ".ffn.layers.0.0."),
    (r"\.mlp\.fc2\.", ".ffn.layers.1."),
    (r"\.attn\.qkv\.", ".attn.attn.in_proj_"),
    (r"\.attn\.proj\.", ".attn.attn.out_proj."),
    (r"(\.layers\.\d+\.attn)\.(in_proj_|out_proj\.)", r"\1.attn.\2"),
    (r"^backbone\.patch_embed\.proj\.", "backbone.patch_embed.projection."),
)


def canonical(name: str) -> str:
    """The present name (mmsegmentation 0.x and 1.x) of a tensor in an OpenMMLab checkpoint."""
    for pattern, replacement in _ALIASES:
        name = re.sub(pattern, replacement, name)
    return name


def tensors(decoder: str, depth: int, taps: int, auxiliary_convs: int) -> Iterator[tuple[str, str]]:
    """(OpenMMLab's name, our name in the network) of every tensor of a SETR with `depth` blocks and `taps` taps."""
    for name in ("cls_token", "pos_embed"):
        yield f"backbone.{name}", f"backbone.vit.{name}"
    yield from _parts("backbone.patch_embed.projection", "backbone.vit.patch_embed.proj", _PAIR)
    for index in range(depth):
        theirs, ours = f"backbone.layers.{index}", f"backbone.vit.blocks.{index}"
        for part in _PAIR:
            yield f"{theirs}.attn.attn.in_proj_{part}", f"{ours}.attn.qkv.{part}"
        for there, here in (
            ("ln1", "norm1"),
            ("ln2", "norm2"),
            ("attn.attn.out_proj", "attn.proj"),
            ("ffn.layers.0.0", "mlp.fc1"),
            ("ffn.layers.1", "mlp.fc2"),
        ):
            yield from _parts(f"{theirs}.{there}", f"{ours}.{here}", _PAIR)
    if decoder == "mla":
        yield from _mla(taps)
        return
    yield from _head("decode_head", "decoder.head", 4 if decoder == "pup" else 1)
    for index in range(taps - 1):
        yield from _head(f"auxiliary_head.{index}", f"decoder.auxiliary_heads.{index}", auxiliary_convs)


def _head(theirs: str, ours: str, convs: int) -> Iterator[tuple[str, str]]:
    yield from _parts(f"{theirs}.norm", f"{ours}.norm", _PAIR)
    for index in range(convs):
        yield from _conv(f"{theirs}.up_convs.{index}.0", f"{ours}.convs.{index}")
    yield from _parts(f"{theirs}.conv_seg", f"{ours}.classify", _PAIR)


def _mla(taps: int) -> Iterator[tuple[str, str]]:
    for index in range(taps):
        yield from _parts(f"neck.norm.{index}", f"decoder.norms.{index}", _PAIR)
        yield from _conv(f"neck.mla.channel_proj.{index}", f"decoder.reduce.{index}")
        yield from _conv(f"neck.mla.feat_extract.{index}", f"decoder.extract.{index}")
        for step in range(2):
            yield from _conv(f"decode_head.up_convs.{index}.{step}", f"decoder.refine.{index}.{step}")
        yield from _parts(f"auxiliary_head.{index}.conv_seg", f"decoder.auxiliary_heads.{index}", _PAIR)
    yield from _parts("decode_head.conv_seg", "decoder.classify", _PAIR)


def _conv(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    """Their ConvModule (conv, bn), our ConvBlock (0, 1); neither convolution has a bias."""
    yield f"{theirs}.conv.weight", f"{ours}.0.weight"
    yield from _parts(f"{theirs}.bn", f"{ours}.1", _NORM)


def _parts(theirs: str, ours: str, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((f"{theirs}.{part}", f"{ours}.{part}") for part in parts)
