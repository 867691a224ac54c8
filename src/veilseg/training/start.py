"""Where a run begins: fresh weights, those of another model, or that model encrypted with one key."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from veilseg.ciphers.tensors import cut
from veilseg.data import Sample, SegmentationData
from veilseg.data.check import name_some
from veilseg.errors import InvalidModelError, UsageError
from veilseg.keys import Key
from veilseg.models import SegmentationModel, create_model, encrypt_model, load_model
from veilseg.models.encryption.stem_weights import read_embedding
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.networks.normalize import set_bias
from veilseg.training.head import fit_classes, shared_classes
from veilseg.training.inputs import input_transform
from veilseg.training.load import expand
from veilseg.training.progress import logger
from veilseg.training.recipe import Recipe
from veilseg.training.samples import plain_crop

FIT_CROPS = 200
RIDGE = 1e-4  # of the mean variance of a pixel: holds the solution where sorted values hardly vary


def first_model(
    recipe: Recipe, data: SegmentationData, samples: Sequence[Sample], key: Key | None
) -> SegmentationModel:
    """The recipe's model as its first step finds it, input layer on, normalization unfolded for training.

    `samples` are plain images for the closed-form start; `key` is that of `method.key`. Raises UsageError or
    InvalidModelError when `method.start` does not fit.
    """
    method = recipe.method
    start = load_model(method.start) if method.start is not None else None
    if key is not None and recipe.model.cipher is None:
        assert start is not None
        if start.config.classes != data.classes:
            hint = "first train the plain model on this data, then adapt it"
            raise UsageError(f"{method.start} has other classes than {data.name}", hint)
        model = encrypt_model(start, key)
        even = all(len(set(model.config.arguments.get(name, ()))) <= 1 for name in ("mean", "std"))
        if even:  # else the statistics differ between the channels that the key mixes, and stay folded
            model.unfold_normalization()
        return model
    model = new_model(recipe, data, key)
    if start is not None:
        model.fold_normalization()
        copy_fitting(model, start)
        if method.closed_form:
            fit_embedding(model, start, recipe, samples)
    model.unfold_normalization()
    return model


def new_model(recipe: Recipe, data: SegmentationData, key: Key | None = None) -> SegmentationModel:
    """A fresh model of the recipe's network for the classes of `data`; `key` for a conventional cipher."""
    section = recipe.model
    arguments = dict(section.arguments)
    if "weights" in arguments:
        arguments["weights"] = expand(str(arguments["weights"]))
    return create_model(
        section.architecture,
        classes=data.classes,
        palette=data.palette.tolist(),
        input=section.input,
        block=section.block,
        sub_block=section.sub_block,
        key=key,
        **arguments,
    )


@torch.no_grad()
def copy_fitting(model: SegmentationModel, start: SegmentationModel) -> None:
    """Copy every tensor of `start` that has a namesake of its shape in `model`, in place.

    Where the classes differ, the head is a new one in which classes of equal names keep their rows. Raises
    InvalidModelError when less than half of the tensors fit: another network.
    """
    own, given = model.state_dict(), start.state_dict()
    if start.config.classes != model.config.classes:
        given = fit_classes(given, own, start.config, model.config)
        kept = [model.config.classes[index] for index, _ in shared_classes(model.config, start.config)]
        logger.info("new head of %d classes; kept from the old one: %s", model.num_classes, name_some(kept) or "none")
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    if 2 * len(fitting) < len(own):
        raise InvalidModelError(
            f"method.start is another network: {len(fitting)} of {len(own)} tensors fit", "use the same architecture"
        )
    model.load_state_dict({**own, **fitting})


@torch.no_grad()
def fit_embedding(
    model: SegmentationModel, start: SegmentationModel, recipe: Recipe, samples: Sequence[Sample]
) -> None:
    """Give `model` the patch embedding that comes closest to the plain one of `start` on its own kind of image.

    With x a block and C(x) what the model sees of it, the embedding W and bias c that minimize the mean of
    |C(x) W + c - (x E + b)|^2 (ridge regression, float64) over blocks of augmented training images. In place.
    """
    source, target = find_patchify(start), find_patchify(model)
    if source.weight.shape != target.weight.shape:
        shapes = [list(conv.weight.shape) for conv in (source, target)]
        raise UsageError(
            f"the patch embeddings differ in shape: {shapes[0]} and {shapes[1]}",
            "closed_form needs the same patch and width in both models",
        )
    plain = copy.deepcopy(start)
    plain.fold_normalization()
    source = find_patchify(plain)
    transform, side = input_transform(model.config.input), source.kernel_size[0]
    length = 3 * side * side
    products, cross = np.zeros((length, length)), np.zeros((length, source.out_channels))
    sums, wanted, count = np.zeros(length), np.zeros(source.out_channels), 0
    (weight,), bias = read_embedding(source)
    rng = np.random.default_rng([recipe.train.seed, FIT_CROPS])
    for index in range(FIT_CROPS):
        crop = plain_crop(samples[index % len(samples)], recipe.augment, rng)
        seen, given = (
            cut(images, side).flatten(1).numpy().astype(np.float64) for images in (transform(crop, [index]), crop)
        )
        answer = given @ weight + bias
        products += seen.T @ seen
        cross += seen.T @ answer
        sums += seen.sum(0)
        wanted += answer.sum(0)
        count += len(seen)
    products -= np.outer(sums, sums) / count
    cross -= np.outer(sums, wanted) / count
    ridge = RIDGE * np.trace(products) / length
    fitted = np.linalg.solve(products + ridge * np.eye(length), cross)
    target.weight.copy_(torch.from_numpy(fitted.T.copy()).reshape(target.weight.shape))
    set_bias(target, torch.from_numpy((wanted - sums @ fitted) / count))
