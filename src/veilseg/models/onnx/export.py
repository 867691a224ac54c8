"""From torch to ONNX: config.json and model.onnx in a folder, checked against the original before they are written."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME
from veilseg.modelfolder import FOREIGN
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.networks.normalize import Normalize
from veilseg.models.onnx.foreign import given_size, settle
from veilseg.models.onnx.stem_file import split_stem as split_stem_file
from veilseg.models.onnx_session import open_onnx

TOLERANCE = 1e-3
_LARGEST_SIDE = 16384
_OPSET = 23  # the first with Attention as one operator, which ONNX Runtime computes faster than its parts


def export_onnx(
    model: SegmentationModel,
    folder: str | Path,
    *,
    overwrite: bool = False,
    split_stem: int | None = None,
    half: bool = False,
) -> None:
    """Write `model` to `folder` (made if missing) as config.json and model.onnx for ONNX Runtime.

    The graph maps "images" float32 [N, 3, H, W], raw stored values, to "logits" float32 [N, K, H, W]; N, H and W are
    free (H and W on the model's grid). The canonical form is not in it: whatever runs the model applies it (and
    quartiles and mosaics arrive as such). With `split_stem` (the side of a block in pixels) the first layer is brought
    to that block and its tensors go to stem.bin, weight [D, 3, p, p] then bias [D] (float32, little-endian), so that a
    key can be put in without torch. `half` stores the other matrices and kernels as float16, half the size; the runtime
    computes in float32. Networks of transformers and timm that cannot be traced for all sizes, or come out wrong for
    others, are exported for the one size that their image processor gives: config.json states it as "size".

    The exported graph is run on other images, of another size where it is free; InvalidModelError when its logits
    differ from the model's by more than 1e-3 of their range, or the predictions by more than one pixel in a thousand.
    """
    target = Path(folder)
    names = [ONNX_NAME, CONFIG_NAME] if split_stem is None else [STEM_NAME, ONNX_NAME, CONFIG_NAME]
    for name in names:
        refuse_existing(target / name, overwrite=overwrite)
    plain = copy.deepcopy(model).cpu().float().eval()
    plain.fold_normalization()
    if split_stem is not None and find_patchify(plain).kernel_size[0] != split_stem:
        plain.widen_patch(split_stem)
    _drop_normalization(plain)
    try:
        files = _files(plain, None, split=split_stem is not None, half=half)
    except InvalidModelError:
        if model.config.architecture not in FOREIGN:
            raise
        settle(plain)
        files = _files(plain, given_size(plain), split=split_stem is not None, half=half)
    make_folder(target)
    for name in names:  # the config last: without it nobody takes the folder for a model
        write_atomic(target / name, files[name], overwrite=overwrite)


def _drop_normalization(model: SegmentationModel) -> None:
    """Take out layers that subtract 0 and divide by 1, in place: the graph begins with the first convolution."""
    for part in list(model.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, Normalize) and child.folded:
                setattr(part, name, nn.Identity())


def _files(model: SegmentationModel, size: tuple[int, int] | None, *, split: bool, half: bool) -> dict[str, bytes]:
    """The contents of the folder for images of (H, W) = `size`, or of any, by name; compared with the model."""
    graph = _trace(model, size)
    config = model.config
    if size is not None:
        config = dataclasses.replace(config, arguments={**config.arguments, "size": list(size)})
    files = {CONFIG_NAME: config.to_json().encode()}
    if split:
        files[STEM_NAME] = split_stem_file(graph)
    if half:
        _halve(graph)
    files[ONNX_NAME] = graph.SerializeToString()
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            (Path(scratch) / name).write_bytes(content)
        _check(model, Path(scratch) / ONNX_NAME, size)
    return files


def _trace(model: SegmentationModel, size: tuple[int, int] | None) -> Any:
    """The graph for one size, or for all, without traces of the machine that made it."""
    multiple = model.config.size_multiple
    sides = {name: multiple * torch.export.Dim(name, min=2, max=_LARGEST_SIDE // multiple) for name in ("h", "w")}
    shapes = ({0: torch.export.Dim("n", min=1, max=4096), 2: sides["h"], 3: sides["w"]},)
    # No two sizes alike, or the exporter takes them for one; nothing of length 1, or it takes it for a constant.
    images = _images(model, 2, 5, 7) if size is None else _images(model, 1, *(side // multiple for side in size))
    try:
        with _quiet():
            program = torch.onnx.export(
                model.network,
                (images,),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=shapes if size is None else None,
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
        assert program is not None
        graph = program.model_proto
    except Exception as error:  # the exporter raises errors of many kinds
        raise InvalidModelError(
            f"this network cannot be exported to ONNX: {_reason(error)}",
            "torch.onnx.export on model.network says more",
        ) from error
    # Stack traces with local paths would be in every node.
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return graph


def _reason(error: BaseException) -> str:
    """The exporter's own words for what it cannot do, the innermost, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}, {first[:160]}" if first else type(error).__name__


def _halve(graph: Any) -> None:
    """Store the kernels of `graph`, in place, as float16 with a cast, which ONNX Runtime undoes once when it loads."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) > 1 and not tensor.external_data:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


@torch.no_grad()
def _check(model: SegmentationModel, path: Path, size: tuple[int, int] | None) -> None:
    rows, columns = (6, 4) if size is None else (side // model.config.size_multiple for side in size)
    images = _images(model, 1, rows, columns).flip(3)  # others than it was traced with
    wanted = model.network(images).numpy()
    got = open_onnx(path)(images.numpy())
    if got.shape != wanted.shape:
        raise InvalidModelError(
            f"the exported model gives {list(got.shape)} where the original gives {list(wanted.shape)}"
        )
    error = float(np.abs(got - wanted).max()) / max(1.0, float(np.abs(wanted).max()))
    same = float((got.argmax(1) == wanted.argmax(1)).mean())
    if not error <= TOLERANCE or same < 0.999:
        raise InvalidModelError(f"the exported model is off by {error:.1e} and agrees on {same:.2%} of the pixels only")


def _images(model: nn.Module, count: int, rows: int, columns: int) -> torch.Tensor:
    assert isinstance(model, SegmentationModel)
    multiple = model.config.size_multiple
    generator = torch.Generator().manual_seed(rows)
    values = torch.randint(0, 256, (count, 3, rows * multiple, columns * multiple), generator=generator).float()
    # Stored values of the rotation cipher lie around 32768.
    return values * 16 + 30720 if model.config.input.bits == 16 else values


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress, warnings and log lines to itself."""
    before = logging.root.manager.disable
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)
