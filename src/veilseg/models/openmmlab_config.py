"""The config that OpenMMLab writes into its checkpoints: Python text, read as data and never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from veilseg.errors import InvalidModel

_MAX_TEXT = 4 * 1024 * 1024


def model_settings(meta: object) -> dict[str, Any]:
    """`model` of the config in a checkpoint's meta (0.x: "config", 1.x: "cfg"), {} where there is none to be read."""
    text = meta.get("config") or meta.get("cfg") if isinstance(meta, Mapping) else None
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        return {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    names: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = _value(statement.value, names)
    model = names.get("model")
    return model if isinstance(model, dict) else {}


def check_settings(model: Mapping[str, Any], decoder: str) -> None:
    """Raise InvalidModel where the config asks for a computation that our SETR does not make."""
    backbone, head = _part(model, "backbone"), _part(model, "decode_head")
    up_scale = 2 if decoder == "pup" else 4
    eps = 1e-5 if backbone else 1e-6  # where it is not stated: OpenMMLab's default; of a file without config, SETR's
    wanted: list[tuple[str, Any, Any]] = [
        ("backbone.type", backbone.get("type", "VisionTransformer"), "VisionTransformer"),
        ("backbone.norm_cfg.eps", _part(backbone, "norm_cfg").get("eps", eps), 1e-6),
        ("backbone.final_norm", backbone.get("final_norm", False), False),
        ("backbone.patch_norm", backbone.get("patch_norm", False), False),
        ("backbone.pre_norm", backbone.get("pre_norm", False), False),
        ("backbone.output_cls_token", backbone.get("output_cls_token", False), False),
        ("backbone.qkv_bias", backbone.get("qkv_bias", True), True),
        ("decode_head.align_corners", head.get("align_corners", False), False),
        ("decode_head.up_scale", head.get("up_scale", 4) if head else up_scale, up_scale),
        ("data_preprocessor.bgr_to_rgb", _part(model, "data_preprocessor").get("bgr_to_rgb", True), True),
    ]
    for name, found, known in wanted:
        if found != known:
            raise InvalidModel(f"this checkpoint's config has {name} = {found!r}, and SETR here has {known!r}")


def _part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = settings.get(name)
    return part if isinstance(part, dict) else {}


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What a literal, or dict(...) with keywords, stands for; None for everything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, names)
        return -inner if isinstance(inner, int | float) else None
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, names) for item in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(key, names): _value(item, names) for key, item in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {item.arg: _value(item.value, names) for item in node.keywords if item.arg}
    return names.get(node.id) if isinstance(node, ast.Name) else None
