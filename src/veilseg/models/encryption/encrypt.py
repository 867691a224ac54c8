"""Model encryption [Kiya 2022]: the patch embedding multiplied by a key's matrix, everything else untouched."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veilseg import catalog
from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_MODEL_CIPHER
from veilseg.ciphers import cipher_for
from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import CONFIG_KEY, InputSpec, check_model_cipher
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.processor import PixelStatistics
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.networks.normalize import fold, set_bias
from veilseg.models.networks.protocol import Widenable
from veilseg.spec import CipherSpec

if TYPE_CHECKING:
    from veilseg.keys import Key

Model = TypeVar("Model", bound=nn.Module)
Array = NDArray[np.float64]
# Where the encrypted layer keeps its InputSpec, for modules that have no config of their own.
SPEC_ATTRIBUTE = "veilseg_input"
# The correlation from which a tensor counts as the embedding once more; that of others is near 0.
RESEMBLANCE = 0.5


def encrypt_model(
    model: Model,
    key: Key,
    cipher: str = DEFAULT_MODEL_CIPHER,
    block: int | None = None,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    processor: object | None = None,
    stem: str | None = None,
) -> Model:
    """A copy of a plain `model` that computes on images encrypted with `key` what `model` computes on plain images.

    E_hat = M diag(1/d) E and b_hat = b + offsets, for E the embedding [L, D], d the standard deviations and M the key's
    matrix [L, L] (`Cipher.affine`), in float64. Exact copies of the embedding elsewhere in the module become copies of
    E_hat.

    Args:
        model: any torch module whose first layer for images is a patchify convolution (kernel = stride, no padding):
            ours, timm's, transformers'.
        key: the images' key too.
        cipher: of the family "model key".
        block: of the cipher, in pixels; by default the convolution's kernel, or 16 where the network can be rewritten
            for it (convseg).
        mean, std: statistics of a module that is not veilseg's and expects (x / 255 - mean) / std, values as in timm;
            they are folded.
        processor: or a transformers image processor, or its dict.
        stem: the convolution's dotted name, where it is not the only one with three input channels.

    Returns:
        A model that takes raw stored values as floats: 0..255, or 0..65535 for "patch-rotation". A model in float16 or
        bfloat16 stays so for "patch-permutation", whose values both hold exactly; for "patch-rotation" it is in
        float32.

    Raises:
        InvalidModelError: for a model that is encrypted already, is key-invariant, has another kind of stem, or holds
            the plain embedding in another form.
    """
    check_model_cipher(cipher)
    input_spec(model).check_encryptable()
    statistics = _statistics(model, mean, std, processor)
    find_patchify(model, stem)
    encrypted = _copy(model, catalog.facts(cipher).bits)
    if isinstance(encrypted, SegmentationModel):
        encrypted.fold_normalization()
    conv = find_patchify(encrypted, stem)
    plain = conv.weight.detach().clone()
    if block is None and isinstance(encrypted, SegmentationModel) and isinstance(encrypted.network, Widenable):
        block = math.lcm(DEFAULT_BLOCK, conv.kernel_size[0])  # the ciphers' block, not the smaller one of the patches
    if block is not None and block != conv.kernel_size[0]:
        conv = _widened(encrypted, conv, block)
    if statistics is not None:
        fold(conv, torch.tensor(statistics.mean), torch.tensor(statistics.std))
    side = conv.kernel_size[0]
    encryption = CipherSpec(cipher, side)
    _write(conv, *cipher_for(encryption).affine(key).encrypt_embedding(*read_embedding(conv)))
    _replace_copies(encrypted, conv, plain)
    _record(encrypted, conv, InputSpec(encryption, key.fingerprint))
    return encrypted


def rekey_model(model: Model, old: Key, new: Key, *, stem: str | None = None) -> Model:
    """A copy of a `model` encrypted with `old` that is encrypted with `new` instead; the plain model is not needed.

    Same cipher and block; `stem` as for encrypt_model. Raises InvalidModelError for a model that is not encrypted,
    InvalidKeyError when `old` is not its key.
    """
    spec = input_spec(model)
    encryption = spec.check_old_key(old.fingerprint)
    cipher = cipher_for(encryption)
    encrypted = _copy(model, encryption.facts.bits)
    conv = find_patchify(encrypted, stem)
    before = conv.weight.detach().clone()
    plain = cipher.affine(old).decrypt_embedding(*read_embedding(conv))
    _write(conv, *cipher.affine(new).encrypt_embedding(*plain))
    _replace_copies(encrypted, conv, before)
    _record(encrypted, conv, dataclasses.replace(spec, key_fingerprint=new.fingerprint))
    return encrypted


def input_spec(model: nn.Module) -> InputSpec:
    """What kind of image a model takes: from its config, or from the mark that encryption leaves; else plain."""
    if isinstance(model, SegmentationModel):
        return model.config.input
    noted = getattr(getattr(model, "config", None), CONFIG_KEY, None)  # transformers keeps it with the model
    if isinstance(noted, Mapping):
        return InputSpec.from_config({CONFIG_KEY: noted})
    marks = (getattr(part, SPEC_ATTRIBUTE, None) for part in model.modules())
    return next((mark for mark in marks if isinstance(mark, InputSpec)), InputSpec())


def _statistics(
    model: nn.Module, mean: Sequence[float] | None, std: Sequence[float] | None, processor: object | None
) -> PixelStatistics | None:
    if mean is None and std is None and processor is None:
        return None
    if isinstance(model, SegmentationModel):
        raise UsageError("a veilseg model normalizes by itself", "leave mean, std and processor out")
    if processor is None:
        return PixelStatistics.of_fractions(mean, std)
    if mean is not None or std is not None:
        raise UsageError("mean and std are the processor's own", "give either the processor, or mean and std")
    return PixelStatistics.of_processor(processor)


def _copy(model: Model, bits: int) -> Model:
    """A deep copy; in float32 where the model's numbers are too coarse for what the cipher stores."""
    coarse = any(p.is_floating_point() and p.element_size() < 4 for p in model.parameters())
    copied = copy.deepcopy(model)
    return copied.float() if coarse and bits > 8 else copied


def _widened(model: nn.Module, conv: nn.Conv2d, block: int) -> nn.Conv2d:
    side = conv.kernel_size[0]
    network = model.network if isinstance(model, SegmentationModel) else model
    if not isinstance(network, Widenable) or not isinstance(model, Widenable) or block % side:
        raise InvalidModelError(
            f"this network's patches have {side} pixels, so its block cannot be {block}",
            f"leave block out, or use {side}",
        )
    model.widen_patch(block)
    return find_patchify(model)


def read_embedding(conv: nn.Conv2d) -> tuple[Array, Array]:
    """The embedding E [L, D] (flattened channel, row, column) and the bias [D] in float64."""
    weight = conv.weight.detach().cpu().double().numpy()
    bias = np.zeros(len(weight)) if conv.bias is None else conv.bias.detach().cpu().double().numpy()
    return weight.reshape(len(weight), -1).T, bias


@torch.no_grad()
def _write(conv: nn.Conv2d, embedding: Array, bias: Array) -> None:
    if not (np.isfinite(embedding).all() and np.isfinite(bias).all()):
        raise InvalidModelError(
            "the patch embedding is not finite after encryption", "check the weights of the plain model"
        )
    conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(embedding.T)).reshape(conv.weight.shape))
    set_bias(conv, torch.from_numpy(bias).to(conv.weight.device))


@torch.no_grad()
def _replace_copies(model: nn.Module, conv: nn.Conv2d, before: Tensor) -> None:
    """Let no tensor of `model` keep the weight that `conv` had `before`.

    Exact copies (a buffer beside it, say) stay copies and get the new weight. What resembles it, whole or in parts (a
    moving average, a scaled, rounded or transposed copy, several in one), has a meaning that is not known here:
    InvalidModelError.
    """
    rows = before.float().flatten(1)
    if rows.std() == 0:  # not initialized: nothing to hide, and equal to every other constant
        return
    forms = torch.stack([_centred(form.flatten()) for form in (rows, rows.T, before.float().permute(0, 2, 3, 1))])
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor is conv.weight or not tensor.numel() or tensor.numel() % before.numel():
            continue
        if tensor.shape == before.shape and torch.equal(tensor.to(before), before):
            tensor.copy_(conv.weight)
            continue
        parts = _centred(tensor.float().reshape(-1, before.numel()))
        if bool((parts @ forms.T).abs().max() > RESEMBLANCE):
            raise InvalidModelError(
                f"{name} holds the plain patch embedding once more, so encrypting the stem alone would not hide it",
                "take it out of the model (an average or a teacher is not needed to run it)",
            )


def _centred(values: Tensor) -> Tensor:
    """[..., n] without its mean and of length 1, so that products are correlations."""
    return nn.functional.normalize(values - values.mean(dim=-1, keepdim=True), dim=-1)


def _record(model: nn.Module, conv: nn.Conv2d, spec: InputSpec) -> None:
    setattr(conv, SPEC_ATTRIBUTE, spec)  # goes with the weights into wrappers, and stays with parts
    if isinstance(model, SegmentationModel):
        multiple = math.lcm(model.config.size_multiple, spec.block)
        model.config = dataclasses.replace(model.config, input=spec, size_multiple=multiple)
        return
    config: Any = getattr(model, "config", None)
    if hasattr(config, "save_pretrained"):  # transformers: config.json says it from now on
        setattr(config, CONFIG_KEY, spec.to_dict())
