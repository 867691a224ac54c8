"""Recipes from YAML: every name and type is checked, and mistakes are named by their place."""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml

from veilseg.errors import UsageError
from veilseg.training.recipe import Recipe, check

T = TypeVar("T")


def load_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe and apply overrides such as "train.steps=10".

    Raises UsageError with a hint for an unreadable file, an unknown or mistyped name, a value of the wrong type, a
    combination that cannot work.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the recipe {path}", "recipes are YAML files; see the folder recipes/") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} is not a recipe: it must be a mapping of {_names(Recipe)}")
    for override in overrides or []:
        _override(values, override)
    return from_dict(values)


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values; raises UsageError where names, types or combinations are wrong."""
    recipe = _build(Recipe, values, "")
    check(recipe)
    return recipe


def expand(source: str) -> str:
    """KIND:DIR with its environment variables filled in; raises UsageError when one is not set."""
    expanded = os.path.expandvars(source)
    if "$" in expanded:
        name = expanded.partition("$")[2].strip("{}").split("/")[0]
        raise UsageError(f"the recipe's data is {source!r}, and {name} is not set", f"export {name}=DIR")
    return expanded


def _override(values: dict[str, Any], override: str) -> None:
    name, separator, text = override.partition("=")
    keys = name.split(".")
    if not separator or len(keys) < 2:
        raise UsageError(f"cannot read the override {override!r}", "write SECTION.NAME=VALUE, as in train.steps=100")
    target = values
    for key in keys[:-1]:
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            raise UsageError(f"{key!r} in the override {override!r} is not a section")
    try:
        target[keys[-1]] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"the value in {override!r} is not YAML: {' '.join(str(error).split())}") from error


def _names(kind: type) -> str:
    return ", ".join(item.name for item in dataclasses.fields(kind))


def _build(kind: type[T], values: Any, where: str) -> T:
    if not isinstance(values, dict):
        raise UsageError(f"{where or 'the recipe'} must be a mapping of {_names(kind)}")
    hints = typing.get_type_hints(kind)
    built = {}
    for name, value in values.items():
        place = f"{where}.{name}" if where else str(name)
        if name not in hints:
            raise UsageError(f"the recipe has an unknown entry {place!r}", f"known here: {_names(kind)}")
        built[name] = _value(hints[name], value, place)
    return kind(**built)


def _value(kind: Any, value: Any, place: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build(typing.cast(type, kind), value, place)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):  # in recipes only X | None
        return None if value is None else _value(parts[0], value, place)
    if origin is tuple and isinstance(value, list | tuple):
        if parts[-1] is Ellipsis:
            return tuple(_value(parts[0], item, f"{place}[{index}]") for index, item in enumerate(value))
        if len(value) == len(parts):
            return tuple(_value(part, item, place) for part, item in zip(parts, value, strict=True))
    elif origin is dict and isinstance(value, dict):
        return value
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif origin is None and type(value) is kind:  # isinstance would take True for a number
        return value
    wanted = kind.__name__ if isinstance(kind, type) and origin is None else str(kind).replace("typing.", "")
    raise UsageError(f"{place} is {value!r}, and must be {wanted}")
