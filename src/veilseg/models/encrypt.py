"""Model encryption (section 2, [P2]): the patch embedding multiplied by a key's matrix, everything else untouched."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from veilseg import ciphers
from veilseg.errors import InvalidKey, InvalidModel, UsageError
from veilseg.models.base import SegmentationModel
from veilseg.models.normalize import fold, set_bias
from veilseg.models.registry import size_multiple, widen
from veilseg.modelspec import KEYED_CIPHERS, InputSpec

if TYPE_CHECKING:
    from veilseg.ciphers import BlockTransform
    from veilseg.keys import Key

Model = TypeVar("Model", bound=nn.Module)
Array = NDArray[np.float64]
# Where an encrypted module that is not ours keeps its InputSpec.
SPEC_ATTRIBUTE = "veilseg_input"


def encrypt_model(
    model: Model,
    key: Key,
    cipher: str = "patch-permutation",
    block: int | None = None,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Model:
    """A copy of a plain `model` that computes on images encrypted with `key` what `model` computes on plain images.

    Any torch module whose first layer for images is a patchify convolution (kernel = stride, no padding). The copy
    takes raw stored values as floats: 0..255 for "patch-permutation", 0..65535 for "patch-rotation". A module that is
    not veilseg's and expects normalized input, (x / 255 - mean) / std, is given those statistics (values as in timm),
    and they are folded. `block` is the cipher's block in pixels; by default the convolution's kernel, or the model's
    own `config.input.block` where the network can be rewritten for it (convseg). Matrix products are in float64.

    E_hat = M E and b_hat = b + offsets, for E the embedding [L, D] and M the key's matrix [L, L] (ciphers.affine).
    Raises InvalidModel for a model that is encrypted already, is key-invariant, or has another kind of stem.
    """
    if cipher not in KEYED_CIPHERS:
        raise UsageError(f"{cipher!r} does not encrypt models", f"one of {', '.join(KEYED_CIPHERS)}")
    spec = input_spec(model)
    if spec.keyed:
        raise InvalidModel(
            f"this model is encrypted already, with key {spec.key_fingerprint}",
            "encrypt the plain model, or change the key with rekey_model",
        )
    if spec.cipher != "plain":
        raise InvalidModel(
            f"this model takes {spec.cipher} images, which need no key", "encrypt a model for plain images"
        )
    locked = copy.deepcopy(model)
    if isinstance(locked, SegmentationModel):
        if mean is not None or std is not None:
            raise UsageError("a veilseg model normalizes by itself", "leave mean and std out")
        locked.fold_normalization()
    conv = find_patchify(locked)
    if block is None and isinstance(locked, SegmentationModel) and hasattr(locked.network, "widen_patch"):
        block = math.lcm(spec.block, conv.kernel_size[0])  # the ciphers' block, not the smaller one of the patches
    if block is not None and block != conv.kernel_size[0]:
        conv = _widened(locked, conv, block)
    if mean is not None or std is not None:
        m, d = (torch.tensor(v or (default,) * 3, dtype=torch.float64) for v, default in ((mean, 0.0), (std, 1.0)))
        fold(conv, 255 * m, 255 * d)
    side = conv.kernel_size[0]
    _write(conv, *_encrypted(*_read(conv), ciphers.affine(cipher, key, side)))
    _record(locked, InputSpec(cipher, block=side, key_fingerprint=key.fingerprint))
    return locked


def rekey_model(model: Model, old: Key, new: Key) -> Model:
    """A copy of a `model` encrypted with `old` that is encrypted with `new` instead; the plain model is not needed.

    Same cipher and block. Raises InvalidModel for a model that is not encrypted, InvalidKey when `old` is not its
    key.
    """
    spec = input_spec(model)
    if not spec.keyed:
        raise InvalidModel("this model is not encrypted, so it has no key to change", "use encrypt_model")
    if old.fingerprint != spec.key_fingerprint:
        raise InvalidKey(
            f"the model belongs to key {spec.key_fingerprint}, not to {old.fingerprint}", "find the old key"
        )
    locked = copy.deepcopy(model)
    conv = find_patchify(locked)
    plain = _decrypted(*_read(conv), ciphers.affine(spec.cipher, old, spec.block))
    _write(conv, *_encrypted(*plain, ciphers.affine(spec.cipher, new, spec.block)))
    _record(locked, dataclasses.replace(spec, key_fingerprint=new.fingerprint))
    return locked


def input_spec(model: nn.Module) -> InputSpec:
    """What kind of image a model takes: from its config, or from the mark that encryption leaves; else plain."""
    if isinstance(model, SegmentationModel):
        return model.config.input
    spec = getattr(model, SPEC_ATTRIBUTE, None)
    return spec if isinstance(spec, InputSpec) else InputSpec()


def find_patchify(model: nn.Module) -> nn.Conv2d:
    """The convolution that cuts images into patches. InvalidModel, with the reason, where there is no such layer."""
    for name, module in model.named_modules():
        if not isinstance(module, nn.Conv2d) or module.in_channels != 3:
            continue
        unpadded = module.padding in ("valid", (0, 0), 0)
        square = module.kernel_size[0] == module.kernel_size[1]
        whole = module.dilation == (1, 1) and module.groups == 1
        if not (module.kernel_size == module.stride and unpadded and square and whole):
            raise InvalidModel(
                f"the first convolution ({name}: kernel {module.kernel_size}, stride {module.stride}, padding "
                f"{module.padding}) mixes neighbouring blocks, so no key of one block can be built into it",
                "model encryption needs a patchify stem: kernel equal to stride, no padding, as in ViT, Swin, ConvNeXt",
            )
        return module
    raise InvalidModel("no convolution of this model takes images of three channels", "it needs a patchify stem")


def _widened(model: nn.Module, conv: nn.Conv2d, block: int) -> nn.Conv2d:
    side = conv.kernel_size[0]
    network = model.network if isinstance(model, SegmentationModel) else model
    if not hasattr(network, "widen_patch") or block % side:
        raise InvalidModel(
            f"this network's patches have {side} pixels, so its block cannot be {block}",
            f"leave block out, or use {side}",
        )
    if isinstance(model, SegmentationModel):
        widen(model, block)
    else:
        network.widen_patch(block)  # type: ignore[operator]
    return find_patchify(model)


def _read(conv: nn.Conv2d) -> tuple[Array, Array]:
    """The embedding E [L, D] (flattened channel, row, column) and the bias [D] in float64."""
    weight = conv.weight.detach().cpu().double().numpy()
    bias = np.zeros(len(weight)) if conv.bias is None else conv.bias.detach().cpu().double().numpy()
    return weight.reshape(len(weight), -1).T, bias


@torch.no_grad()
def _write(conv: nn.Conv2d, embedding: Array, bias: Array) -> None:
    if not (np.isfinite(embedding).all() and np.isfinite(bias).all()):
        raise InvalidModel("the patch embedding is not finite after encryption", "check the weights of the plain model")
    conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(embedding.T)).reshape(conv.weight.shape))
    set_bias(conv, torch.from_numpy(bias).to(conv.weight.device))


def _encrypted(embedding: Array, bias: Array, transform: BlockTransform) -> tuple[Array, Array]:
    """E and b for stored values v: with plain = (v - offset) scale M + shift,

    plain E + b = v (scale M E) + (b + shift 1 E - offset 1 scale M E).
    """
    mixed = transform.value_scale * (transform.matrix @ embedding)
    moved = bias + transform.plain_offset * embedding.sum(axis=0) - transform.value_offset * mixed.sum(axis=0)
    return mixed, moved


def _decrypted(mixed: Array, moved: Array, transform: BlockTransform) -> tuple[Array, Array]:
    """The inverse of `_encrypted`. The matrices of both keyed ciphers are orthogonal: the inverse is the transpose."""
    embedding = transform.matrix.T @ mixed / transform.value_scale
    return embedding, moved - transform.plain_offset * embedding.sum(axis=0) + transform.value_offset * mixed.sum(
        axis=0
    )


def _record(model: nn.Module, spec: InputSpec) -> None:
    if isinstance(model, SegmentationModel):
        multiple = math.lcm(model.config.size_multiple, size_multiple(model.network, spec))
        model.config = dataclasses.replace(model.config, input=spec, size_multiple=multiple)
    else:
        setattr(model, SPEC_ATTRIBUTE, spec)
