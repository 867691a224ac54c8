"""Making an exported model encryptable: its patchify stem, written for whole blocks, moves to stem.bin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from veilseg.errors import InvalidModel
from veilseg.runtime.stem import STEM_NAME, stem_bytes


def split_stem(path: Path, block: int = 16) -> None:
    """Rewrites the export `path` (model.onnx): its patchify stem becomes `block` pixels wide and moves to stem.bin.

    A stem of p < block pixels (p divides block) is first written as the same map on whole blocks: one convolution with
    (block/p)^2 times as many outputs, zero outside each patch, and a DepthToSpace. Needs the `onnx` package (creator's
    side). Raises InvalidModel when the images do not go straight into a patchify convolution that fits.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    users = [node for node in graph.node if graph.input[0].name in node.input]
    if len(users) != 1 or users[0].op_type != "Conv" or any(name not in tensors for name in users[0].input[1:]):
        raise InvalidModel(f"{path}: the images do not go straight into one convolution")
    stem = users[0]
    weight = numpy_helper.to_array(tensors[stem.input[1]]).astype(np.float32)
    bias = np.zeros(len(weight), np.float32)
    if len(stem.input) > 2:
        bias = numpy_helper.to_array(tensors[stem.input[2]]).astype(np.float32)
    patch = weight.shape[2]
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in stem.attribute}
    plain = {"strides": [patch, patch], "dilations": [1, 1], "group": 1, "pads": [0] * 4}
    odd = [name for name, want in plain.items() if _plain(attributes.get(name, want)) != want]
    if odd or weight.shape[1:] != (3, patch, patch) or block % patch:
        raise InvalidModel(f"{path}: the first convolution does not cut {block}-pixel blocks into patches")
    ratio = block // patch
    weight, bias = widen(weight, ratio), np.repeat(bias, ratio * ratio)
    output = stem.output[0]
    inside = output if ratio == 1 else "stem.blocks"
    make, inputs, sides = onnx.helper.make_node, [graph.input[0].name, "stem.weight", "stem.bias"], [block, block]
    added = [make("Conv", inputs, [inside], "stem", kernel_shape=sides, strides=sides)]
    if ratio > 1:
        added.append(make("DepthToSpace", [inside], [output], "stem.patches", blocksize=ratio, mode="CRD"))
    nodes = [new for node in graph.node for new in (added if node is stem else [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used and not tensor.name.startswith("stem.")]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *_external(weight, bias)])
    (path.parent / STEM_NAME).write_bytes(stem_bytes(weight, bias))
    path.write_bytes(model.SerializeToString())


def widen(weight: np.ndarray, ratio: int) -> np.ndarray:
    """The patchify weight [D, 3, p, p] on blocks of ratio x ratio patches: [D * ratio^2, 3, p*ratio, p*ratio].

    Output d * ratio^2 + i * ratio + j is output d of the patch in row i, column j (DepthToSpace's order CRD).
    """
    width, colours, patch, _ = weight.shape
    wide = np.zeros((width, ratio, ratio, colours, ratio, patch, ratio, patch), weight.dtype)
    for i in range(ratio):
        for j in range(ratio):
            wide[:, i, j, :, i, :, j, :] = weight
    return wide.reshape(width * ratio * ratio, colours, ratio * patch, ratio * patch)


def _plain(value: Any) -> Any:
    """Attributes of a node come as repeated fields: compare them as lists."""
    return value if isinstance(value, int) else list(value)


def _external(weight: np.ndarray, bias: np.ndarray) -> list[Any]:
    """The two tensors as references into stem.bin."""
    import onnx

    tensors, offset = [], 0
    for name, array in (("stem.weight", weight), ("stem.bias", bias)):
        tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=array.shape)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for field, value in (("location", STEM_NAME), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=field, value=str(value))
        offset += array.nbytes
        tensors.append(tensor)
    return tensors
