"""create_model: a new model from the name of its network and the kind of image that it is to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from veilseg.ciphers import cipher_of_input
from veilseg.errors import UsageError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig, generic_classes
from veilseg.models.base import SegmentationModel
from veilseg.models.networks import registry
from veilseg.models.networks.protocol import OnGrid


def create_model(
    name: str,
    *,
    num_classes: int | None = None,
    classes: Sequence[str] | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    input: str = "plain",
    block: int | None = None,
    sub_block: int | None = None,
    key: Key | None = None,
    pretrained: bool = False,
    image_size: tuple[int, int] | int | None = None,
    **arguments: Any,
) -> SegmentationModel:
    """A new model that takes raw pixels [N, 3, H, W] and gives logits [N, K, H, W].

    Args:
        name: of a network in `veilseg.models.networks.registry`.
        num_classes, classes: K, or K names.
        palette: K colours, RGB, 0..255.
        input: "plain" images, or one of `veilseg.catalog.training_inputs()`: "canonical" makes the key-invariant model,
            "shuffled" a network that reads shuffled images as they are [Hirose 2026], a conventional cipher one to be
            trained on images under `key` [Kiya 2022]. The model keeps the key's fingerprint and the greatest value.
        block, sub_block: of the cipher, in pixels; None is the product's default.
        key: of a conventional cipher.
        pretrained: with timm's or torchvision's weights for the backbone.
        image_size: (H, W) in pixels that position embeddings are made for.
        arguments: the network's own: `backbone`, `decoder_channels`, ... for SETR; `patch`, `widths`, ... for ConvSeg.

    Raises:
        UsageError: for what does not exist or fit.
    """
    cipher = cipher_of_input(input, block, sub_block)
    needs_key = cipher is not None and cipher.key_use == "required"
    if needs_key and key is None:
        raise UsageError(f"a network for {input} images is trained for one key", "pass key=...")
    fingerprint = key.fingerprint if key is not None and needs_key else None
    spec = InputSpec(None if cipher is None else cipher.spec, fingerprint)
    if classes is None:
        if num_classes is None:
            raise UsageError("a model needs classes", "pass num_classes=19 or classes=('road', ...)")
        classes = generic_classes(num_classes)
    if num_classes not in (None, len(classes)):
        raise UsageError(f"{len(classes)} classes are named, but num_classes is {num_classes}")
    given = dict(arguments)
    if image_size is not None:
        given["image_size"] = image_size
    if pretrained:
        given["pretrained"] = True
    known = registry.parameters(name)
    if cipher is not None and cipher.reduces and "patch" in known and "patch" not in given:
        given["patch"] = max(4, cipher.spec.cell)  # such a stem reads whole sub-blocks
    most = None if cipher is None or key is None else cipher.stored_maximum(key)
    if most is not None and "std" in known:  # to 0..1
        given = {"mean": (0.0,) * 3, "std": (most,) * 3, **given}
    network = registry.build(name, len(classes), given)
    config = ModelConfig(
        architecture=name,
        arguments=registry.rebuilding_arguments(network, name, given),
        classes=tuple(classes),
        palette=tuple(tuple(row) for row in palette or ()),  # type: ignore[misc]
        input=spec,
        size_multiple=math.lcm(network.size_multiple if isinstance(network, OnGrid) else 16, spec.block),
    )
    return SegmentationModel(network, config)
