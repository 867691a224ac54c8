"""SETR checkpoints of OpenMMLab (mmsegmentation 0.x and 1.x) as our models: same weights, same logits, raw pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veilseg.errors import InvalidModelError, UsageError
from veilseg.modelconfig import generic_classes, is_colour
from veilseg.models.base import SegmentationModel
from veilseg.models.create import create_model
from veilseg.models.networks.vit import even_taps
from veilseg.models.openmmlab.config import check_settings, crop_size, part, read_config, statistics
from veilseg.models.openmmlab.file import read_checkpoint
from veilseg.models.openmmlab.names import canonical, tensors

# What every SETR of OpenMMLab was trained with: RGB, 0..255.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_TAPS_OF_24 = (9, 14, 19, 23)  # Naive and PUP on ViT-L
_STATISTICS = ("data_preprocessor.mean", "data_preprocessor.std")
State = dict[str, Tensor]


def import_openmmlab(
    checkpoint: str | Path,
    *,
    image_size: tuple[int, int] | None = None,
    heads: int | None = None,
    interpolation: str | None = None,
) -> SegmentationModel:
    """The SETR (Naive, PUP or MLA) in an OpenMMLab checkpoint, in evaluation mode; it takes raw RGB pixels 0..255.

    This is the one place that reads a pickle, by torch.load with weights_only: tensors and plain values, no code;
    objects of other kinds, as mmengine keeps in training, are left out. What the tensors do not say comes from the
    config inside the checkpoint, else from the arguments: `image_size` (H, W) of the position embeddings (default:
    square), the number of attention `heads` (default: one per 64 of the width, as in ViT-B and ViT-L), and how
    positions are brought to other sizes, `interpolation` "bilinear" (default, as in SETR's configs) or "bicubic"
    (OpenMMLab's default, where a config is silent). The statistics of its input are folded: the config's, else the
    tensors', else ImageNet's. Auxiliary heads that the file lacks stay untrained; `config.training` says so.

    Raises InvalidModelError for files that are no such checkpoint, naming the tensors that are unknown, missing or of
    another shape.
    """
    found, meta = read_checkpoint(Path(checkpoint))
    state = {canonical(name): value for name, value in found.items()}
    config = read_config(meta)
    backbone = part(part(config, "model"), "backbone")
    decoder, depth = _decoder(state), _depth(state)
    taps = _taps(backbone.get("out_indices"), decoder, depth)
    check_settings(config, decoder, len(taps))
    _add_patch_bias(state, backbone)
    width, _, patch, _ = _shape(state, "backbone.patch_embed.projection.weight", 4)
    convs = max(1, _count(state, "auxiliary_head.0.up_convs."))
    reduce = "neck.mla.channel_proj.0.conv.weight" if decoder == "mla" else "decode_head.up_convs.0.0.conv.weight"
    classes, palette = _classes(meta, _shape(state, "decode_head.conv_seg.bias", 1)[0])
    held = [state.pop(name, known) for name, known in zip(_STATISTICS, (MEAN, STD), strict=True)]
    mean, std = (_three(*pair) for pair in zip(statistics(config) or held, _STATISTICS, strict=True))
    try:
        model = create_model(
            f"setr-{decoder}",
            backbone="vit_large_patch16_384" if depth == 24 else "vit_base_patch16_384",
            classes=classes,
            palette=palette,
            image_size=_image_size(state, patch, image_size or backbone.get("img_size"), crop_size(config)),
            interpolation=interpolation or backbone.get("interpolate_mode") or ("bicubic" if backbone else "bilinear"),
            embed_dim=width,
            depth=depth,
            num_heads=heads or backbone.get("num_heads") or max(1, width // 64),
            mlp_ratio=_shape(state, "backbone.layers.0.ffn.layers.0.0.weight", 2)[0] / width,
            patch_size=patch,
            taps=taps,
            class_token=backbone.get("with_cls_token", True if backbone else None),
            decoder_channels=_shape(state, reduce, 4)[0],
            mean=mean,
            std=std,
            auxiliary_convs=None if decoder == "mla" else convs,
        )
    except UsageError as error:
        raise InvalidModelError(f"this checkpoint does not make a SETR: {error.message}", error.hint) from error
    except (AssertionError, ValueError, TypeError, RuntimeError) as error:
        raise InvalidModelError(
            f"a ViT of width {width} does not take {heads or width // 64} heads", "pass --heads"
        ) from error
    model.unfold_normalization()
    used = taps[-1] + 1  # blocks after the last tap change nothing
    state = {name: value for name, value in state.items() if not _in_block(name, range(used, depth))}
    _fill(model.network, state, dict(tensors(decoder, used, len(taps), convs)))
    model.fold_normalization()
    model.config.training = {"source": "OpenMMLab", "checkpoint": Path(checkpoint).name}
    if not _has_auxiliary(state):
        model.config.training["auxiliary_heads"] = "untrained"
    return model.eval()


def _decoder(state: State) -> str:
    if any(name.startswith("neck.mla.") for name in state):
        return "mla"
    return "pup" if _shape(state, "decode_head.up_convs.0.0.conv.weight", 4)[-1] == 3 else "naive"


def _shape(state: State, name: str, dimensions: int) -> tuple[int, ...]:
    if name not in state or state[name].ndim != dimensions:
        raise InvalidModelError(f"this is no SETR of OpenMMLab: it has no tensor {name}")
    return tuple(state[name].shape)


def _count(state: State, prefix: str) -> int:
    """One more than the greatest index after this prefix, so that a gap is reported as missing; 0 without any."""
    found = {name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)}
    known = [int(index) for index in found if index.isdecimal() and len(index) < 3]  # no network has a hundred
    return 1 + max(known, default=-1)


def _depth(state: State) -> int:
    depth = _count(state, "backbone.layers.")
    if not depth:
        raise InvalidModelError("this is no SETR of OpenMMLab: it has no tensor backbone.layers.0.ln1.weight")
    return depth


def _add_patch_bias(state: State, backbone: Mapping[str, Any]) -> None:
    """Zeros for the bias of the patch embedding, in place, which mmsegmentation 1.2 and later leave out."""
    weight = "backbone.patch_embed.projection.weight"
    if weight in state and not backbone.get("patch_bias", False):
        state.setdefault("backbone.patch_embed.projection.bias", torch.zeros(len(state[weight])))


def _taps(stated: Any, decoder: str, depth: int) -> tuple[int, ...]:
    """The blocks whose output the decoder reads; OpenMMLab counts negative ones from the end."""
    if not stated and stated != 0:
        return _TAPS_OF_24 if depth == 24 and decoder != "mla" else even_taps(depth)
    taps = [stated] if isinstance(stated, int) else stated
    if not isinstance(taps, list | tuple) or not all(isinstance(tap, int) for tap in taps):
        raise InvalidModelError(
            f"this checkpoint's config has backbone.out_indices = {stated!r}", "whole numbers are meant"
        )
    return tuple(tap + depth if tap < 0 else tap for tap in taps)


def _in_block(name: str, blocks: range) -> bool:
    parts = name.split(".")
    return parts[:2] == ["backbone", "layers"] and parts[2].isdecimal() and int(parts[2]) in blocks


def _image_size(state: State, patch: int, given: Any, crop: Any) -> tuple[int, int]:
    """The (H, W) of the table of position embeddings, which holds a class token's and one for every patch.

    `given` is what is known of it, or None: then it is a square, or the training's `crop`.
    """
    count = _shape(state, "backbone.pos_embed", 3)[1] - 1
    if given is not None:
        if not isinstance(given, int) and not (
            isinstance(given, list | tuple) and len(given) in (1, 2) and all(isinstance(side, int) for side in given)
        ):
            raise InvalidModelError(f"this checkpoint's config has backbone.img_size = {given!r}", "pass --image-size")
        height, width = (given, given) if isinstance(given, int) else (given * 2)[:2] if len(given) == 1 else given
        if (height // patch) * (width // patch) != count:
            raise InvalidModelError(
                f"images of {height} x {width} have {(height // patch) * (width // patch)} patches, the checkpoint "
                f"has positions for {count}",
                "pass --image-size HEIGHTxWIDTH, as the model was trained",
            )
        return height // patch * patch, width // patch * patch
    side = math.isqrt(count)
    if side * side == count:
        return side * patch, side * patch
    if isinstance(crop, list) and [type(length) for length in crop] == [int, int]:
        rows, columns = (length // patch for length in crop)
        if rows * columns == count:
            return rows * patch, columns * patch
    raise InvalidModelError(f"the {count} positions are no square", "pass --image-size HEIGHTxWIDTH")


def _three(values: Any, name: str) -> tuple[float, ...]:
    listed = values.flatten().tolist() if isinstance(values, Tensor) else values
    try:
        red, green, blue = (float(value) for value in listed)
    except (TypeError, ValueError) as error:
        raise InvalidModelError(
            f"this checkpoint has {name} = {listed!r}", "one number per channel is meant"
        ) from error
    return red, green, blue


def _classes(meta: Any, count: int) -> tuple[list[str], list[list[int]] | None]:
    """Names and colours from the checkpoint's meta (0.x: CLASSES, 1.x: dataset_meta), where they fit."""
    facts = dict(meta) if isinstance(meta, Mapping) else {}
    inner = facts.get("dataset_meta")
    facts.update(inner if isinstance(inner, Mapping) else {})
    names, palette = _per_class(facts, "classes", count), _per_class(facts, "palette", count)
    named = names and all(isinstance(name, str) for name in names)
    coloured = palette and all(is_colour(row) for row in palette)
    return names if named else list(generic_classes(count)), palette if coloured else None


def _per_class(facts: Mapping[str, Any], name: str, count: int) -> list[Any]:
    for found in (facts.get(name), facts.get(name.upper())):
        if isinstance(found, list | tuple) and len(found) == count:
            return list(found)
    return []


@torch.no_grad()
def _fill(network: torch.nn.Module, state: State, names: dict[str, str]) -> None:
    """Copy the tensors into our network; InvalidModelError names what is unknown, missing or of another shape."""
    if not _has_auxiliary(state):  # not needed for answers; they stay untrained
        names = {name: ours for name, ours in names.items() if not name.startswith("auxiliary_head.")}
    counters = {name for name in names if name.endswith("num_batches_tracked")}  # only some versions count
    own = network.state_dict()
    odd = {
        "unknown": sorted(state.keys() - names.keys()),
        "missing": sorted(names.keys() - state.keys() - counters),
        "of another shape": sorted(n for n in names.keys() & state.keys() if state[n].shape != own[names[n]].shape),
    }
    misfits = [f"{len(found)} {what}: {_listed(found)}" for what, found in odd.items() if found]
    if misfits:
        raise InvalidModelError(
            f"tensors of this checkpoint do not fit, {'; '.join(misfits)}", "is it a SETR of OpenMMLab?"
        )
    for name, ours in names.items():
        if name in state:
            own[ours].copy_(state[name])


def _has_auxiliary(state: State) -> bool:
    return any(name.startswith("auxiliary_head.") for name in state)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
