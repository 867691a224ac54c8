"""Recipes from YAML: mistakes are named by their place, in one sentence."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

import veilseg
from veilseg.errors import UsageError
from veilseg.training.inherit import inherit
from veilseg.training.recipe import Recipe, Section

#: Bytes; the shipped recipes have about one thousand.
MAX_RECIPE = 1 << 20
#: Brackets and braces in others; the shipped recipes have two.
MAX_DEPTH = 20


class _Loader(yaml.SafeLoader):
    """Also takes 1e-4 for a number, as YAML 1.2 does; to YAML 1.1 it is text. Takes no aliases and no deep brackets.

    A few lines of aliases of aliases stand for more values than any memory holds, and every bracket within brackets is
    compared with all around it.
    """

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:  # noqa: N803
        """A bracket or brace; YAMLError for one within too many."""
        if self.flow_level == MAX_DEPTH:
            raise yaml.YAMLError(f"recipes take no more than {MAX_DEPTH} brackets in brackets")
        super().fetch_flow_collection_start(TokenClass)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node; YAMLError for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("recipes take no aliases (*name)")
        return super().compose_node(parent, index)


_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name: in it, or beside the sources in a checkout."""
    package = Path(veilseg.__file__).parent
    folders = (package / "recipes", package.parents[1] / "recipes")
    return {path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))}


def load_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe, a file or a shipped one's name, and apply overrides such as "train.steps=10".

    Raises UsageError with a hint for an unreadable file, an unknown or mistyped name, a value of the wrong type, a
    combination that cannot work.
    """
    shipped = shipped_recipes()
    file_path = shipped[str(path)] if str(path) in shipped and not Path(path).is_file() else Path(path)
    try:
        with file_path.open("rb") as file:
            data = file.read(MAX_RECIPE + 1)
        if len(data) > MAX_RECIPE:
            raise UsageError(f"{path} is too large for a recipe", f"{MAX_RECIPE} bytes are the most")
        values = _yaml(data.decode("utf-8"), str(path)) or {}
    except (OSError, UnicodeDecodeError) as error:
        hint = f"a YAML file, or one that is shipped: {', '.join(shipped)}"
        raise UsageError(f"cannot read the recipe {path}", hint) from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} is not a recipe", f"it is a mapping of {_names(Recipe)}")
    for override in overrides or []:
        _override(values, override)
    return from_dict(values)


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values, completed from `method.start` (see `inherit`).

    Raises UsageError where names, types or combinations are wrong, InvalidModelError for a damaged model to start from.
    """
    try:
        text = json.dumps(inherit(values), default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError("the recipe holds names that are no text, or itself") from error
    try:
        return Recipe.model_validate_json(text)  # JSON's lists are tuples, also when strict
    except ValidationError as error:
        raise _usage_error(error) from error


def expand(source: str) -> str:
    """KIND:DIR, or a file's path, with its environment variables filled in; raises UsageError when one is not set."""
    expanded = os.path.expandvars(source)
    if "$" in expanded:
        name = expanded.partition("$")[2].strip("{}").split("/")[0]
        raise UsageError(f"the recipe names {source!r}, and {name} is not set", f"export {name}=DIR")
    return expanded


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = "".join(each for each in " ".join(str(error).split()) if each.isprintable())  # it quotes the text
        raise UsageError(f"{where} is not YAML: {said}") from error


def _override(values: dict[str, Any], override: str) -> None:
    name, separator, text = override.partition("=")
    keys = name.split(".")
    if not separator or len(keys) < 2:
        raise UsageError(f"cannot read the override {override!r}", "write SECTION.NAME=VALUE, as in train.steps=100")
    target = values
    for key in keys[:-1]:
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            raise UsageError(f"{key!r} in the override {override!r} is not a section", f"known: {_names(Recipe)}")
    target[keys[-1]] = _yaml(text, f"the value in {override!r}")


def _usage_error(error: ValidationError) -> UsageError:
    """The first mistake as a sentence that names its place: "train.steps is 'many': should be a valid integer"."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])[1:]
    section = _section(first["loc"][:-1])
    if first["type"] == "extra_forbidden":
        return UsageError(f"the recipe has an unknown entry {place!r}", f"known here: {_names(section)}")
    what = first["msg"].removeprefix("Input ")
    return UsageError(f"{place} is {str(first['input'])[:60]!r}: {what[:1].lower()}{what[1:]}")


def _section(place: tuple[int | str, ...]) -> type[Section]:
    """The section at a place in a recipe, the one around it where that is a value."""
    found: type[Section] = Recipe
    for part in place:
        kind: Any = found.model_fields[part].annotation if part in found.model_fields else None
        kind = next(iter(get_args(kind)), kind)  # of a list of sections, one
        found = kind if isinstance(kind, type) and issubclass(kind, Section) else found
    return found


def _names(section: type[Section]) -> str:
    return ", ".join(section.model_fields)
