"""The rows of a network that belong to its classes, and which of them another model's classes may keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from veilseg.modelconfig import ModelConfig, generic_classes
from veilseg.models.base import model_from_config


def class_tensors(config: ModelConfig) -> dict[str, int]:
    """{tensor: rows per class} of the tensors whose first axis grows with the number of classes.

    Found by building the network twice, without memory, for its classes and for one more.
    """
    more = dataclasses.replace(config, classes=generic_classes(config.num_classes + 1), palette=())
    with torch.device("meta"):
        one, other = (model_from_config(each).state_dict() for each in (config, more))
    return {name: len(other[name]) - len(tensor) for name, tensor in one.items() if other[name].shape != tensor.shape}


def shared_classes(new: ModelConfig, old: ModelConfig) -> list[tuple[int, int]]:
    """Places (in `new`, in `old`) of the classes that both have: names are equal but for capitals."""
    places = {name.casefold(): index for index, name in enumerate(old.classes)}
    found = ((index, places.get(name.casefold())) for index, name in enumerate(new.classes))
    return [(index, place) for index, place in found if place is not None]


def new_rows(fresh: Tensor, old: Tensor, rows: int, shared: list[tuple[int, int]]) -> Tensor | None:
    """`fresh`, of `rows` rows per class, with the rows of the shared classes from `old`; None where nothing fits.

    [K * rows, ...] and [L * rows, ...]; the other axes must be equal.
    """
    if fresh.shape[1:] != old.shape[1:]:
        return None
    made, given = (tensor.reshape(-1, rows, *tensor.shape[1:]) for tensor in (fresh.clone(), old))
    for index, place in shared:
        made[index] = given[place]
    return made.reshape(fresh.shape)


def fit_classes(
    given: Mapping[str, Tensor], own: Mapping[str, Tensor], old: ModelConfig, new: ModelConfig
) -> dict[str, Tensor]:
    """`given`, the tensors of a model with config `old`, made fit for the classes of `new`.

    own: the fresh tensors of the new model. Rows of classes that both have stay, all others are the fresh ones; a
    tensor of the head that fits nowhere is left out.
    """
    fitted = dict(given)
    shared = shared_classes(new, old)
    for name, rows in class_tensors(old).items():
        made = new_rows(own[name], given[name], rows, shared) if name in own else None
        if made is None:
            del fitted[name]
        else:
            fitted[name] = made
    return fitted
