"""The config that OpenMMLab writes into its checkpoints: Python text, read as data and never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from veilseg.errors import InvalidModelError

_MAX_TEXT = 4 * 1024 * 1024


def read_config(meta: object) -> dict[str, Any]:
    """The config in a checkpoint's meta (0.x: "config", 1.x: "cfg") by its names, {} where there is none to be read."""
    found = [meta.get(name) for name in ("config", "cfg")] if isinstance(meta, Mapping) else []
    text = next((text for text in found if isinstance(text, str)), "")
    if len(text) > _MAX_TEXT:
        return {}
    names: dict[str, Any] = {}
    try:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                names[statement.targets[0].id] = _value(statement.value, names)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return names


def statistics(config: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """(mean, std) of the input as the config states them: 1.x in the data_preprocessor, 0.x in img_norm_cfg."""
    for stated in (_preprocessor(config), part(config, "img_norm_cfg")):
        if stated.get("mean") is not None and stated.get("std") is not None:
            return stated["mean"], stated["std"]
    return None


def crop_size(config: Mapping[str, Any]) -> Any:
    """The size of the crops that a network was trained on, where the backbone does not say its images'; else None."""
    return _preprocessor(config).get("size") or config.get("crop_size")


def check_settings(config: Mapping[str, Any], decoder: str, taps: int) -> None:
    """Raise InvalidModelError where the config asks for what our SETR, with so many taps, does not compute."""
    model = part(config, "model")
    backbone, head, neck = (part(model, name) for name in ("backbone", "decode_head", "neck"))
    index = head.get("in_index", list(range(taps)) if decoder == "mla" else -1)
    last = -1 if index == taps - 1 else index
    up_scale = 2 if decoder == "pup" else 4
    eps = 1e-5 if backbone else 1e-6  # where it is not stated: OpenMMLab's default; of a file without config, SETR's
    wanted: list[tuple[str, Any, Any]] = [
        ("backbone.type", backbone.get("type", "VisionTransformer"), "VisionTransformer"),
        ("backbone.norm_cfg.eps", part(backbone, "norm_cfg").get("eps", eps), 1e-6),
        ("backbone.final_norm", backbone.get("final_norm", False), False),
        ("backbone.patch_norm", backbone.get("patch_norm", False), False),
        ("backbone.pre_norm", backbone.get("pre_norm", False), False),
        ("backbone.output_cls_token", backbone.get("output_cls_token", False), False),
        ("backbone.qkv_bias", backbone.get("qkv_bias", True), True),
        ("decode_head.align_corners", head.get("align_corners", False), False),
        ("decode_head.up_scale", head.get("up_scale", 4) if head else up_scale, up_scale),
        ("decode_head.in_index", last, list(range(taps)) if decoder == "mla" else -1),
        ("backbone.act_cfg.type", part(backbone, "act_cfg").get("type", "GELU"), "GELU"),
        ("decode_head.act_cfg.type", part(head, "act_cfg").get("type", "ReLU"), "ReLU"),
        ("neck.act_cfg.type", part(neck, "act_cfg").get("type", None if neck else "ReLU"), "ReLU"),
        ("data_preprocessor.bgr_to_rgb", _preprocessor(config).get("bgr_to_rgb", True), True),
        ("img_norm_cfg.to_rgb", part(config, "img_norm_cfg").get("to_rgb", True), True),
    ]
    for name, found, known in wanted:
        if found != known:
            raise InvalidModelError(
                f"this checkpoint's config has {name} = {found!r}, and SETR here has {known!r}",
                "only SETR as in its papers and OpenMMLab's configs is converted",
            )


def _preprocessor(config: Mapping[str, Any]) -> dict[str, Any]:
    return part(part(config, "model"), "data_preprocessor") or part(config, "data_preprocessor")


def part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A dict in a dict, {} where there is none."""
    found = settings.get(name)
    return found if isinstance(found, dict) else {}


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
