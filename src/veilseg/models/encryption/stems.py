"""Finding the patchify stem: the one convolution that a key can be built into, and why other stems cannot have one."""

from __future__ import annotations

from math import isqrt

from torch import nn
from torch.nn.utils import parametrize

from veilseg.errors import InvalidModelError, UsageError

_NEEDED = (
    "model encryption needs a patchify stem: kernel equal to stride, no padding, as in ViT, Swin or ConvNeXt; "
    "overlapping stems (SegFormer, Hiera, ResNet) have none"
)


def find_patchify(model: nn.Module, path: str | None = None) -> nn.Conv2d:
    """The convolution that cuts images into patches: the only one with three input channels, or the one at `path`.

    `path` is its dotted name ("backbone.patch_embed.proj"). Raises InvalidModelError, with the reason, where there is
    no such layer, where it overlaps or pads, or where several could be it and no path is given; UsageError for a path
    that leads nowhere.
    """
    _check_around(model)
    if path is not None:
        return _at(model, path)
    found = {
        name: part for name, part in model.named_modules() if isinstance(part, nn.Conv2d) and part.in_channels == 3
    }
    if not found:
        raise InvalidModelError(_why_none(model), "it needs a patchify stem")
    name, conv = next(iter(found.items()))
    _check(name, conv)
    if len(found) > 1:
        raise InvalidModelError(
            f"{len(found)} convolutions take three channels ({', '.join(list(found)[:4])}), so any may read the image",
            f"name the one that does, if it is the only one: stem={name!r}",
        )
    return conv


def _why_none(model: nn.Module) -> str:
    """What stands where a convolution of three channels is looked for."""
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv3d) and part.in_channels == 3:
            return f"this network reads videos ({name} is a Conv3d), and a key is built into single images' patches"
        last = name.rpartition(".")[2]
        side = isqrt(part.in_features // 3) if isinstance(part, nn.Linear) else 0
        if side > 1 and isinstance(part, nn.Linear) and part.in_features == 3 * side**2 and "patch" in name:
            return f"this network is given patches, not images ({name} is a Linear of {part.in_features} values)"
        if isinstance(part, nn.Conv2d) and (part.in_channels in (1, 4) or last in ("proj", "projection")):
            return f"the first convolution ({name}) takes {part.in_channels} channels, and an image has three"
    return "no convolution of this model takes images of three channels"


def patchify_layers(model: nn.Module) -> list[nn.Conv2d]:
    """All convolutions of three channels whose kernel is their stride."""
    convs = (part for part in model.modules() if isinstance(part, nn.Conv2d) and part.in_channels == 3)
    return [conv for conv in convs if conv.kernel_size == conv.stride]


def _check_around(model: nn.Module) -> None:
    """Refuse what changes a stem or its images from outside: adapters, and padding to whole patches."""
    for name, part in model.named_modules():
        inner = getattr(part, "base_layer", None) or getattr(part, "original_module", None)  # PEFT's names
        if isinstance(inner, nn.Module) and patchify_layers(inner):
            raise InvalidModelError(
                f"{type(part).__name__} adapts the patch embedding {name}, so a key in it would not be the whole of it",
                "merge it first: model.merge_and_unload()",
            )
        if getattr(part, "dynamic_img_pad", False):
            raise InvalidModelError(
                f"{name} pads images to whole patches itself, with black, and padding is part of an encrypted image",
                "make the network with dynamic_img_pad=False; the cipher pads",
            )


def _at(model: nn.Module, path: str) -> nn.Conv2d:
    try:
        conv = model.get_submodule(path)
    except AttributeError as error:
        raise UsageError(f"the model has no layer {path!r}", "model.named_modules() lists their names") from error
    if not isinstance(conv, nn.Conv2d):
        raise InvalidModelError(
            f"{path} is a {type(conv).__name__}, not a Conv2d", "give the path of the patchify stem"
        )
    if conv.in_channels != 3:
        raise InvalidModelError(
            f"{path} takes {conv.in_channels} channels, and a patchify stem takes the image's three"
        )
    _check(path, conv)
    return conv


def _check(name: str, conv: nn.Conv2d) -> None:
    """Refuse all but convolution with kernel = stride, no padding, and a weight that can be written."""
    unpadded = conv.padding in ("valid", (0, 0), 0)
    if conv.kernel_size == conv.stride and unpadded and conv.kernel_size[0] != conv.kernel_size[1]:
        raise InvalidModelError(
            f"the patches of the patchify stem {name} are oblong, {conv.kernel_size[0]} x {conv.kernel_size[1]} pixels",
            "the blocks of the ciphers are square",
        )
    if conv.kernel_size == (1, 1):
        raise InvalidModelError(f"the first convolution ({name}) reads single pixels, so there is no patchify stem")
    whole = conv.dilation == (1, 1) and conv.groups == 1
    if not (conv.kernel_size == conv.stride and unpadded and whole):
        raise InvalidModelError(
            f"the first convolution ({name}: kernel {conv.kernel_size}, stride {conv.stride}, padding {conv.padding}) "
            "mixes neighbouring blocks, so no key of one block can be built into it",
            _NEEDED,
        )
    own = "weight" in conv._parameters and not parametrize.is_parametrized(conv)
    if not own or type(conv).forward is not nn.Conv2d.forward:
        raise InvalidModelError(
            f"the weight of the patchify stem {name} is computed anew in every pass, so a key in it would be lost",
            "remove the parametrization (weight norm, standardization) first",
        )
    if conv.weight.is_meta or not conv.weight.is_floating_point():
        raise InvalidModelError(f"the weights of the patchify stem {name} are not floating-point numbers in memory")
