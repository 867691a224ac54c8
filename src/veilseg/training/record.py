"""recipe.json in a run's folder: which run it holds, whether that goes on, and how far it has come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from veilseg.errors import InvalidModelError, UsageError
from veilseg.modelconfig import CONFIG_NAME, RECIPE_NAME, ModelConfig
from veilseg.training.recipe import Recipe

_SAID = 3  # entries that an error names


def record(recipe: Recipe) -> bytes:
    """The text of recipe.json."""
    return (json.dumps(recipe.model_dump(mode="json"), indent=1) + "\n").encode()


def refuse_other_run(folder: Path, recipe: Recipe) -> int | None:
    """The steps of the run that `folder` holds, which this recipe goes on with; None where it holds none.

    The machine may be another, and the steps more, which the average may follow. Raises UsageError, which names the
    entries that differ, for a run of another recipe, for fewer steps, and for a model that no run left.
    """
    path = folder / RECIPE_NAME
    if not path.exists():
        if (folder / CONFIG_NAME).exists():
            raise UsageError(f"{folder} holds a model, and no run that could go on", "choose another folder with -o")
        return None
    try:
        found = _flat(dict(json.loads(path.read_text(encoding="utf-8"))))
        steps = int(found["train.steps"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} is no record of a run", "choose another folder with -o") from error
    wanted = _flat(recipe.model_dump(mode="json"))
    longer, follows = steps < recipe.train.steps, steps != recipe.train.steps
    differing = [
        f"{name} is {_text(found, name)} there and {_text(wanted, name)} here"
        for name in dict.fromkeys([*wanted, *found])
        if found.get(name) != wanted.get(name)
        and not name.startswith("machine.")
        and not (longer and name == "train.steps")
        and not (follows and name == "train.average")
    ]
    if differing:
        more = f"; and {len(differing) - _SAID} more" if len(differing) > _SAID else ""
        raise UsageError(
            f"{folder} holds a run of another recipe: {'; '.join(differing[:_SAID])}{more}",
            "choose another folder with -o; only train.steps may change, to more",
        )
    return steps


def is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether `folder` holds the model of as many steps as the recipe has; False while a lengthened run goes on."""
    if not (folder / CONFIG_NAME).exists():  # what save_model writes last
        return False
    made: Any = ModelConfig.load(folder).training
    try:
        return int(made["recipe"]["train"]["steps"]) >= recipe.train.steps
    except (TypeError, KeyError, ValueError) as error:
        raise InvalidModelError(f"{folder / CONFIG_NAME} is not what a run writes", "choose another folder") from error


def published(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the model's config keeps it: of files, folders and datasets the last part, not where they lay."""
    values: dict[str, Any] = recipe.model_dump(mode="json")
    named = [(values["model"]["arguments"], "weights"), *((values["method"], n) for n in ("key", "start", "teacher"))]
    named += [(source, "source") for source in (*values["data"]["train"], values["data"]["val"])]
    for entries, name in named:
        if entries.get(name):
            kind, colon, where = str(entries[name]).rpartition(":")
            entries[name] = f"{kind}{colon}{Path(where).name}"
    return values


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"train.steps": 10, ...}: the entries of all sections, lists in one piece."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def _text(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "not given"
