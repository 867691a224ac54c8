"""What a recipe with `method.start` leaves out of its `model` is that of the model it starts from."""

from __future__ import annotations

from typing import Any

from veilseg.errors import UsageError
from veilseg.inputspec import PLAIN
from veilseg.modelconfig import ModelConfig
from veilseg.modelfolder import local_folder, open_folder

#: Arguments that belong to a model's input: another input makes them anew.
OF_INPUT = ("patch", "stem_block")


def inherit(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe's plain values, its `model` completed from the folder or shipped model that `method.start` names.

    Taken are architecture and input, where they are not given; arguments, where they are not and the architecture is
    the same; block and sub-block, where neither is and the input is the same. Values that are no recipe's, and models
    that are not on this machine, are left to whoever reads them next. Raises UsageError for a
    model that is encrypted with a key.
    """
    method, model = values.get("method"), values.get("model") or {}
    name = method.get("start") if isinstance(method, dict) else None
    folder = local_folder(name) if isinstance(name, str) else None
    start = None if folder is None else open_folder(folder).config
    if start is None or not isinstance(model, dict):
        return values
    encryption = start.input.encryption
    if encryption is not None and encryption.facts.training_input is None:
        raise UsageError(f"{name} is encrypted with a key, and cannot be trained", "start from the plain model")
    blocks = {} if encryption is None else {"block": encryption.block, "sub_block": encryption.sub_block}
    filled = {"architecture": start.architecture, "input": _input(start), **model}
    if filled["input"] == _input(start) and not any(model.get(name) for name in blocks):
        filled |= blocks
    if filled["architecture"] == start.architecture and "arguments" not in model:
        same = filled["input"] == _input(start) and all(filled.get(name) == side for name, side in blocks.items())
        left_out = () if same else OF_INPUT
        given = {name: value for name, value in start.arguments.items() if value is not None}
        filled["arguments"] = {name: value for name, value in given.items() if name not in left_out}
    return {**values, "model": filled}


def _input(config: ModelConfig) -> str | None:
    """What a recipe calls the images that a model reads."""
    encryption = config.input.encryption
    return PLAIN if encryption is None else encryption.facts.training_input
