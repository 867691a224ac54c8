"""Finding the patchify stem: the one layer that a key can be built into, and why other stems cannot have one."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, isqrt, lcm

from torch import nn
from torch.nn.utils import parametrize

from veilseg.errors import InvalidModelError, UsageError

#: What cuts images into patches: a convolution of images or of videos, or a product with patches that were cut before.
Stem = nn.Conv2d | nn.Conv3d | nn.Linear
_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
_NEEDED = (
    "model encryption needs a patchify stem: kernel equal to stride, no padding, as in ViT, Swin or ConvNeXt; "
    "overlapping stems (SegFormer, Hiera, ResNet) have none"
)


def find_stem(model: nn.Module, path: str | None = None) -> Stem:
    """The layer that reads patches: the only convolution of three input channels, or the layer at `path`.

    Where there is no such convolution, the first Linear of 3 p p inputs whose name speaks of patches or embeddings.
    `path` is a dotted name ("backbone.patch_embed.proj"). Raises InvalidModelError, with the reason, where there is
    no such layer, where it overlaps or pads, or where several could be it and no path is given; UsageError for a path
    that leads nowhere.
    """
    _check_around(model)
    if path is not None:
        return _at(model, path)
    found: dict[str, Stem] = {
        name: part for name, part in model.named_modules() if isinstance(part, _CONVOLUTIONS) and part.in_channels == 3
    }
    found = found or dict(_on_patches(model))
    if not found:
        raise InvalidModelError(_why_none(model), "it needs a patchify stem")
    name, stem = next(iter(found.items()))
    _check(name, stem)
    if len(found) > 1 and not isinstance(stem, nn.Linear):
        raise InvalidModelError(
            f"{len(found)} convolutions take three channels ({', '.join(list(found)[:4])}), so any may read the image",
            f"name the one that does, if it is the only one: stem={name!r}",
        )
    return stem


def find_patchify(model: nn.Module) -> nn.Conv2d:
    """The stem of a network that reads images as they are: find_stem, and InvalidModelError for other kinds."""
    stem = find_stem(model)
    if not isinstance(stem, nn.Conv2d):
        raise InvalidModelError(f"the stem of this network is a {type(stem).__name__}", "a Conv2d is meant here")
    return stem


def patch_of(stem: Stem) -> tuple[int, int, int]:
    """(frames, rows, columns) that one patch has."""
    if isinstance(stem, nn.Linear):
        side = isqrt(stem.in_features // 3)
        return 1, side, side
    frames, rows, columns = (1, 1, *stem.kernel_size)[-3:]
    return frames, rows, columns


def block_of(stem: Stem) -> int:
    """The side in pixels of the largest square blocks that fill a patch: what one key's matrix is for."""
    return gcd(*patch_of(stem)[1:])


def grid_of(stem: Stem) -> int:
    """What the sides of an image, in pixels, are multiples of."""
    return lcm(*patch_of(stem)[1:])


def stem_layers(model: nn.Module) -> list[Stem]:
    """All layers that have the form of a stem, whatever they are for."""
    convs = (part for part in model.modules() if isinstance(part, _CONVOLUTIONS) and part.in_channels == 3)
    linears = (part for part in model.modules() if isinstance(part, nn.Linear) and _squares(part))
    return [*(conv for conv in convs if conv.kernel_size == conv.stride), *linears]


def _on_patches(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear) and _squares(part) and ("patch" in name or "embed" in name):
            yield name, part


def _squares(part: nn.Linear) -> bool:
    side = isqrt(part.in_features // 3)
    return side > 1 and part.in_features == 3 * side**2


def _why_none(model: nn.Module) -> str:
    """What stands where a convolution of three channels is looked for."""
    for name, part in model.named_modules():
        last = name.rpartition(".")[2]
        if isinstance(part, nn.Linear) and "patch" in name and part.in_features > 3:
            return f"{name} is a Linear of {part.in_features} values, which are no square patch of three channels"
        if isinstance(part, nn.Conv2d) and (part.in_channels in (1, 4) or last in ("proj", "projection")):
            return f"the first convolution ({name}) takes {part.in_channels} channels, and an image has three"
    return "no convolution of this model takes images of three channels"


def _check_around(model: nn.Module) -> None:
    """Refuse what changes a stem or its images from outside: adapters, and padding to whole patches."""
    for name, part in model.named_modules():
        inner, trained = getattr(part, "base_layer", None), getattr(part, "original_module", None)  # PEFT's names
        for held, what in ((inner, "adapts"), (trained, "keeps a plain and a trained copy (modules_to_save) of")):
            if isinstance(held, nn.Module) and (_convolves(held) or _reads_patches(model, name, held)):
                raise InvalidModelError(
                    f"{type(part).__name__} {what} the patch embedding {name}, so a key in one would not be the whole "
                    "of it",
                    "merge it first: model.merge_and_unload()",
                )
        if getattr(part, "dynamic_img_pad", False):
            raise InvalidModelError(
                f"{name} pads images to whole patches itself, with black, and padding is part of an encrypted image",
                "make the network with dynamic_img_pad=False; the cipher pads",
            )


def _convolves(held: nn.Module) -> bool:
    return any(isinstance(part, _CONVOLUTIONS) and part in stem_layers(held) for part in held.modules())


def _reads_patches(model: nn.Module, name: str, held: nn.Module) -> bool:
    """Whether an adapter's layer at `name` stands for the Linear that find_stem would take."""
    if any(isinstance(part, _CONVOLUTIONS) and part.in_channels == 3 for part in model.modules()):
        return False
    first = next((layer for _, layer in _on_patches(model)), None)
    return first is not None and any(part is first for part in held.modules())


def _at(model: nn.Module, path: str) -> Stem:
    try:
        stem = model.get_submodule(path)
    except AttributeError as error:
        raise UsageError(f"the model has no layer {path!r}", "model.named_modules() lists their names") from error
    if isinstance(stem, nn.Linear) and not _squares(stem):
        raise InvalidModelError(
            f"{path} takes {stem.in_features} values, and a patch of p x p pixels has 3 p p", "give the stem's path"
        )
    if not isinstance(stem, Stem):
        raise InvalidModelError(
            f"{path} is a {type(stem).__name__}, not a Conv2d, Conv3d or Linear", "give the path of the patchify stem"
        )
    if isinstance(stem, _CONVOLUTIONS) and stem.in_channels != 3:
        raise InvalidModelError(
            f"{path} takes {stem.in_channels} channels, and a patchify stem takes the image's three"
        )
    _check(path, stem)
    return stem


def _check(name: str, stem: Stem) -> None:
    """Refuse all but convolution with kernel = stride, no padding, and a weight that can be written."""
    if isinstance(stem, _CONVOLUTIONS):
        _check_kernel(name, stem)
    own = "weight" in stem._parameters and not parametrize.is_parametrized(stem)
    if not own or type(stem).forward not in (nn.Conv2d.forward, nn.Conv3d.forward, nn.Linear.forward):
        raise InvalidModelError(
            f"the weight of the patchify stem {name} is computed anew in every pass, so a key in it would be lost",
            "remove the parametrization (weight norm, standardization) first",
        )
    if stem.weight.is_meta or not stem.weight.is_floating_point():
        raise InvalidModelError(f"the weights of the patchify stem {name} are not floating-point numbers in memory")


def _check_kernel(name: str, conv: nn.Conv2d | nn.Conv3d) -> None:
    if set(conv.kernel_size) == {1}:
        raise InvalidModelError(f"the first convolution ({name}) reads single pixels, so there is no patchify stem")
    unpadded = conv.padding == "valid" or not any(conv.padding)
    if not (conv.kernel_size == conv.stride and unpadded and set(conv.dilation) == {1} and conv.groups == 1):
        raise InvalidModelError(
            f"the first convolution ({name}: kernel {conv.kernel_size}, stride {conv.stride}, padding {conv.padding}) "
            "mixes neighbouring blocks, so no key of one block can be built into it",
            _NEEDED,
        )
    if block_of(conv) == 1:
        raise InvalidModelError(
            f"the patches of the patchify stem {name}, {conv.kernel_size[-2]} x {conv.kernel_size[-1]} pixels, are not "
            "made of square blocks of two pixels or more",
            "the blocks of the ciphers are square",
        )
