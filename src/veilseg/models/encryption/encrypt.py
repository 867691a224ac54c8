"""Model encryption [Kiya 2022]: the patch embedding multiplied by a key's matrix, everything else untouched."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from torch import nn

from veilseg import catalog
from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_MODEL_CIPHER
from veilseg.ciphers import cipher_for
from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import InputSpec, check_model_cipher
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.bias import move_bias, of_another_library
from veilseg.models.encryption.copies import replace_copies
from veilseg.models.encryption.marks import input_spec, record
from veilseg.models.encryption.probe import channels_come_last, runnable
from veilseg.models.encryption.processor import PixelStatistics, statistics_of
from veilseg.models.encryption.stem_weights import fold_statistics, read_embedding, write_embedding
from veilseg.models.encryption.stems import Stem, block_of, find_stem
from veilseg.models.encryption.verify import verify_encryption, verify_rekeying
from veilseg.models.networks.protocol import Widenable
from veilseg.spec import CipherSpec

if TYPE_CHECKING:
    from veilseg.keys import Key

Model = TypeVar("Model", bound=nn.Module)


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
    verify: bool = True,
) -> Model:
    """A copy of a plain `model` that computes on images encrypted with `key` what `model` computes on plain images.

    E_hat = M diag(1/d) E and b_hat = b + offsets, for E the embedding [L, D], d the standard deviations and M the key's
    matrix [L, L] (`Cipher.affine`), in float64. Exact copies of the embedding elsewhere in the module become copies of
    E_hat. A bias that timm or transformers would not load again goes into the position embeddings.

    Args:
        model: any torch module whose first layer for images is a patchify convolution (kernel = stride, no padding), of
            images or videos, or a Linear on their patches: ours, timm's, transformers'.
        key: the images' key too.
        cipher: of the family "model key".
        block: of the cipher, in pixels; by default the side of a patch (of an oblong one the largest square that fills
            it: 8 for 16 x 8), or 16 where the network can be rewritten for it (convseg).
        mean, std: statistics of a module that is not veilseg's and expects (x / 255 - mean) / std, values as in timm;
            they are folded.
        processor: or a transformers image processor, or its dict.
        stem: the layer's dotted name, where it is not the only one with three input channels.
        verify: whether the copy is compared with `model` on a random image (`verify_encryption`).

    Returns:
        A model that takes raw stored values as floats: 0..255, or 0..65535 for "patch-rotation". A model in float16 or
        bfloat16 stays so for "patch-permutation", whose values both hold exactly; for "patch-rotation" it is in
        float32.

    Raises:
        InvalidModelError: for a model that is encrypted already, is key-invariant, has another kind of stem, holds
            the plain embedding in another form, or does not answer as before.
    """
    check_model_cipher(cipher)
    input_spec(model).check_encryptable()
    statistics = _statistics(model, mean, std, processor)
    without_bias = find_stem(model, stem).bias is None and of_another_library(model)
    encrypted = _copy(model, catalog.facts(cipher).bits)
    own = _own(encrypted)
    if own is not None:
        own.fold_normalization()
    layer = find_stem(encrypted, stem)
    plain = layer.weight.detach().clone()
    if block is None and own is not None and isinstance(own.network, Widenable):
        block = math.lcm(DEFAULT_BLOCK, block_of(layer))  # the ciphers' block, not the smaller one of the patches
    if block is not None and block != block_of(layer):
        layer = _widened(own, layer, block)
    last = channels_come_last(encrypted, layer)
    if statistics is not None:
        fold_statistics(encrypted, layer, statistics, channels_last=last)
    encryption = CipherSpec(cipher, block_of(layer))
    mixed = cipher_for(encryption).affine(key).encrypt_embedding(*read_embedding(layer, channels_last=last))
    write_embedding(layer, *mixed, channels_last=last)
    if without_bias:
        move_bias(encrypted, stem)
    record(encrypted, layer, InputSpec(encryption, key.fingerprint))
    replace_copies(encrypted, layer, plain)
    if verify and runnable(model):
        verify_encryption(model, encrypted, key, mean=mean, std=std, processor=processor, stem=stem)
    return encrypted


def rekey_model(model: Model, old: Key, new: Key, *, stem: str | None = None, verify: bool = True) -> Model:
    """A copy of a `model` encrypted with `old` that is encrypted with `new` instead; the plain model is not needed.

    Same cipher and block; `stem` and `verify` as for encrypt_model. Raises InvalidModelError for a model that is not
    encrypted or does not answer as before, InvalidKeyError when `old` is not its key.
    """
    spec = input_spec(model)
    encryption = spec.check_old_key(old.fingerprint)
    cipher = cipher_for(encryption)
    without_bias = find_stem(model, stem).bias is None and of_another_library(model)
    encrypted = _copy(model, encryption.facts.bits)
    layer = find_stem(encrypted, stem)
    before, last = layer.weight.detach().clone(), channels_come_last(encrypted, layer)
    plain = cipher.affine(old).decrypt_embedding(*read_embedding(layer, channels_last=last))
    write_embedding(layer, *cipher.affine(new).encrypt_embedding(*plain), channels_last=last)
    if without_bias:
        move_bias(encrypted, stem)
    record(encrypted, layer, dataclasses.replace(spec, key_fingerprint=new.fingerprint))
    replace_copies(encrypted, layer, before)
    if verify and runnable(model):
        verify_rekeying(model, encrypted, old, new, stem=stem)
    return encrypted


def _statistics(
    model: nn.Module, mean: Sequence[float] | None, std: Sequence[float] | None, processor: object | None
) -> PixelStatistics | None:
    statistics = statistics_of(mean, std, processor)
    if statistics is not None and _own(model) is not None:
        raise UsageError("a veilseg model normalizes by itself", "leave mean, std and processor out")
    return statistics


def _own(model: nn.Module) -> SegmentationModel | None:
    """The veilseg model that `model` is or wraps (DataParallel); None where it is of another library."""
    return next((part for part in model.modules() if isinstance(part, SegmentationModel)), None)


def _copy(model: Model, bits: int) -> Model:
    """A deep copy; in float32 where the model's numbers are too coarse for what the cipher stores."""
    coarse = any(p.is_floating_point() and p.element_size() < 4 for p in model.parameters())
    copied = copy.deepcopy(model)
    return copied.float() if coarse and bits > 8 else copied


def _widened(model: SegmentationModel | None, layer: Stem, block: int) -> Stem:
    side = block_of(layer)
    if model is None or not isinstance(model.network, Widenable) or block % side:
        raise InvalidModelError(
            f"this network's patches have {side} pixels, so its block cannot be {block}",
            f"leave block out, or use {side}",
        )
    model.widen_patch(block)
    return find_stem(model)
