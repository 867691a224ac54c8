"""A tiny random network as a model folder: what tests of the runtime, evaluation and the command line run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.data import CAMVID_CLASSES, CAMVID_PALETTE
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import ModelConfig
from veilseg.spec import CipherSpec

CANONICAL = InputSpec(CipherSpec("subblock-sort", 16, 8))


def tiny_model(
    folder: Path,
    spec: InputSpec | None = None,
    *,
    patch: int = 16,
    classes: tuple[str, ...] = CAMVID_CLASSES,
    size: tuple[int | str, int | str] = ("H", "W"),
    size_multiple: int = 16,
    seed: int = 0,
    weight: float | None = None,
) -> Path:
    """Writes config.json and model.onnx: patchify convolution, ReLU, 1x1 head, linear upsampling.

    Weights are random; one is `weight`, where that is given.
    """
    rng = np.random.default_rng(seed)
    width, count = 12, len(classes)
    tensors = {
        "w": rng.normal(0, 0.02 / patch, (width, 3, patch, patch)),
        "b": rng.normal(0, 0.5, width),
        "head": rng.normal(0, 1, (count, width, 1, 1)),
        "scales": np.array([1, 1, patch, patch]),
    }
    if weight is not None:
        tensors["head"][0, 0] = weight
    tensors["b"] -= 127.5 * tensors["w"].sum((1, 2, 3))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "w", "b"], ["z"], kernel_shape=[patch] * 2, strides=[patch] * 2),
            helper.make_node("Relu", ["z"], ["r"]),
            helper.make_node("Conv", ["r", "head"], ["y"], kernel_shape=[1, 1]),
            helper.make_node("Resize", ["y", "", "scales"], ["logits"], mode="linear"),
        ],
        "tiny",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["N", 3, *size])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["N", count, *size])],
        [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    palette = CAMVID_PALETTE[: len(classes)].tolist() if len(classes) <= len(CAMVID_PALETTE) else ()
    config = ModelConfig(
        architecture="tiny",
        arguments={},
        classes=classes,
        palette=palette,
        input=spec or InputSpec(),
        size_multiple=size_multiple,
        # So many cells as the product's defaults have: a client refuses more unasked.
        longer_side=320 if spec == CANONICAL else DEFAULT_LONGER_SIDE,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.to_json())
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def split_stem(folder: Path) -> Path:
    """Moves the first layer of a tiny model to stem.bin, as an export with split_stem has it; returns `folder`."""
    model = onnx.load(str(folder / "model.onnx"))
    content = b""
    for tensor in model.graph.initializer:
        if tensor.name in ("w", "b"):
            data = numpy_helper.to_array(tensor).astype("<f4").tobytes()
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", "stem.bin"), ("offset", len(content)), ("length", len(data))):
                tensor.external_data.add(key=key, value=str(value))
            content += data
    (folder / "stem.bin").write_bytes(content)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def photo(seed: int = 0, height: int = 70, width: int = 90) -> np.ndarray:
    """A smooth random picture, uint8 [H, W, 3], of a size that is off the grid by default."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width][..., None]
    waves = [np.sin(x * f + y * g + p) for f, g, p in rng.uniform(-0.3, 0.3, (5, 3, 3))]
    return np.asarray(np.clip(128 + 40 * sum(waves), 0, 255), np.uint8)
