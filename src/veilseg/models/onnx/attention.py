"""Attention as one operator of ONNX Runtime's own, from the projections to what follows, for models in 8 bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_VIEWS = ("Reshape", "Transpose", "Slice", "Squeeze")  # what lies between a projection and its queries, keys, values
_PARTS = ("queries", "keys", "values")


@dataclass
class _Block:
    """The nodes of one attention, from the projection of queries, keys and values to where heads are joined again."""

    projection: Any
    bias: Any
    inner: list[Any]
    last: Any
    heads: int


def fuse_attention(model: Any) -> int:
    """Rewrite an ONNX model in place: how many attentions were fused (0 where none has the form of a plain ViT's).

    One product that makes queries, keys and values, cut and transposed for opset 23's Attention, becomes three
    products and com.microsoft's MultiHeadAttention, which adds the biases, takes tokens as they lie, and works in
    pieces that fit the cache. That is up to rounding the same; whoever calls this compares the answers.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    gone: set[int] = set()
    instead: dict[int, list[Any]] = {}
    blocks = list(_blocks(graph, tensors))
    for index, block in enumerate(blocks):
        weight = numpy_helper.to_array(tensors[block.projection.input[1]])
        names = [f"attention.{index}.{part}" for part in _PARTS]
        products = []
        for name, part in zip(names, np.split(weight, 3, axis=1), strict=True):
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(part), f"{name}.weight"))
            products.append(
                helper.make_node("MatMul", [block.projection.input[0], f"{name}.weight"], [name], name=name)
            )
        bias = next(name for name in block.bias.input if name in tensors)
        joined = helper.make_node(
            "MultiHeadAttention",
            [*names, bias],
            [block.last.output[0]],
            name=f"attention.{index}",
            domain="com.microsoft",
            num_heads=block.heads,
        )
        instead[id(block.last)] = [*products, joined]
        gone.update(id(node) for node in (block.projection, block.bias, *block.inner))
    nodes = [new for node in graph.node if id(node) not in gone for new in instead.get(id(node), [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    needed = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    if blocks:
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return len(blocks)


def _blocks(graph: Any, tensors: dict[str, Any]) -> Iterator[_Block]:
    makers = {output: node for node in graph.node for output in node.output}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    shapes = {value.name: [size.dim_value for size in value.type.tensor_type.shape.dim] for value in graph.value_info}
    for node in graph.node:
        if node.op_type != "Attention" or len(node.input) != 3 or any(one.name == "scale" for one in node.attribute):
            continue
        paths = [_views(name, makers) for name in node.input]
        bias = paths[0][0]
        after = _only(users, node, "Transpose")
        last = _only(users, after, "Reshape")
        sizes = shapes.get(node.input[0], [])
        if last is None or any(source is not bias for source, _ in paths) or bias is None or bias.op_type != "Add":
            continue
        projection = next((makers[name] for name in bias.input if name in makers), None)
        if projection is None or projection.op_type != "MatMul" or projection.input[1] not in tensors:
            continue
        width = tensors[projection.input[1]].dims[1]
        inner = [*(node for _, passed in paths for node in passed), node, after]
        inside = [projection, bias, *inner]
        takers = {id(user) for one in inside for user in users[one.output[0]]}
        if len(sizes) != 4 or 3 * sizes[1] * sizes[3] != width or not set(bias.input) & set(tensors):
            continue
        if takers <= {id(one) for one in [*inside, last]}:  # nothing else takes what will be gone
            yield _Block(projection, bias, inner, last, sizes[1])


def _views(name: str, makers: dict[str, Any]) -> tuple[Any, list[Any]]:
    """What made a tensor, behind nodes that only show it in other ways; and those."""
    passed = []
    while (node := makers.get(name)) is not None and node.op_type in _VIEWS:
        passed.append(node)
        name = node.input[0]
    return node, passed


def _only(users: dict[str, list[Any]], node: Any, kind: str) -> Any:
    """The one node of this kind that takes what `node` gives, or None."""
    found = users.get(node.output[0], []) if node is not None else []
    return found[0] if len(found) == 1 and found[0].op_type == kind else None
