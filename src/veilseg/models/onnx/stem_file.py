"""The first layer of an exported graph in a file of its own, where a key can be put in without torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.errors import InvalidModelError
from veilseg.modelconfig import STEM_NAME


def stem_node(graph: Any) -> Any | None:
    """The convolution of an ONNX model that reads the images as they come; None where there is none."""
    source = graph.graph.input[0].name
    return next((node for node in graph.graph.node if node.op_type == "Conv" and node.input[0] == source), None)


def split_stem(graph: Any) -> bytes:
    """Move the tensors of the convolution that reads the images out of `graph`, in place, into stem.bin's content.

    A convolution without bias gets one of zeros. Raises InvalidModelError for graphs that begin otherwise.
    """
    from onnx import TensorProto, numpy_helper

    stem = stem_node(graph)
    tensors = {tensor.name: tensor for tensor in graph.graph.initializer}
    if stem is None or any(name not in tensors for name in stem.input[1:]) or tensors[stem.input[1]].dims[1] != 3:
        raise InvalidModelError(
            "the exported graph does not begin with a convolution of the image", "export without split_stem"
        )
    if len(stem.input) == 2:
        zeros = np.zeros(tensors[stem.input[1]].dims[0], np.float32)
        graph.graph.initializer.append(numpy_helper.from_array(zeros, f"{stem.input[1]}.bias"))
        stem.input.append(f"{stem.input[1]}.bias")
        tensors[stem.input[2]] = graph.graph.initializer[-1]
    content = b""
    for name in stem.input[1:]:
        tensor = tensors[name]
        data = numpy_helper.to_array(tensor).astype("<f4").tobytes()
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", STEM_NAME), ("offset", str(len(content))), ("length", str(len(data)))):
            tensor.external_data.add(key=key, value=value)
        content += data
    return content
