"""A model encrypted with any invertible matrix, E_hat = E_enc E [Kiya 2022], and decrypted again."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

from torch import nn

from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.errors import InvalidKeyError, InvalidModelError
from veilseg.models.encryption.bias import move_bias, of_another_library
from veilseg.models.encryption.copies import replace_copies
from veilseg.models.encryption.marks import input_spec, read_matrix_mark, write_matrix_mark
from veilseg.models.encryption.probe import channels_come_last, runnable
from veilseg.models.encryption.processor import PixelStatistics, statistics_of
from veilseg.models.encryption.stem_weights import fold_statistics, read_embedding, write_embedding
from veilseg.models.encryption.stems import block_of, find_stem
from veilseg.models.encryption.verify import verify_images

Model = TypeVar("Model", bound=nn.Module)
# A tenth of the answers' spread is the most that 16 bits may cost.
_LIMITS = {32: 1e-2, 16: 0.1}


def encrypt_with_matrix(
    model: Model,
    matrix: EncryptionMatrix,
    *,
    bits: int = 32,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    processor: object | None = None,
    stem: str | None = None,
) -> Model:
    """A copy of a plain torch module that answers for `matrix.encrypt(image)` as `model` does for the image.

    Args:
        model: as for encrypt_model, other than veilseg's own, whose images are files; its `network` is such a module.
        matrix: drawn from a key, or given.
        bits: 16 for a copy that reads `matrix.store(...)`, uint16 values as floats, instead of float32 images.
        mean, std, processor, stem: as for encrypt_model.

    Raises:
        InvalidModelError: as encrypt_model does; where 16 bits cost more than a tenth of the answers' spread; and where
            the block is not the stem's.
    """
    input_spec(model).check_encryptable()
    statistics = statistics_of(mean, std, processor)
    side = block_of(find_stem(model, stem))
    if side != matrix.block:
        raise InvalidModelError(f"this matrix is for blocks of {matrix.block} pixels, and the network's have {side}")
    encrypted = copy.deepcopy(model).float()
    layer = find_stem(encrypted, stem)
    plain, without_bias = layer.weight.detach().clone(), layer.bias is None and of_another_library(model)
    last = channels_come_last(encrypted, layer)
    if statistics is not None:
        fold_statistics(encrypted, layer, statistics, channels_last=last)
    mixed = _affine(matrix, bits).encrypt_embedding(*read_embedding(layer, channels_last=last))
    write_embedding(layer, *mixed, channels_last=last)
    if without_bias:
        move_bias(encrypted, stem)
    write_matrix_mark(layer.weight, matrix.fingerprint)
    replace_copies(encrypted, layer, plain)
    if runnable(model):
        verify_images(model, encrypted, matrix, bits, (statistics or PixelStatistics()).normalize, _LIMITS[bits], stem)
    return encrypted


def decrypt_with_matrix(model: Model, matrix: EncryptionMatrix, *, bits: int = 32, stem: str | None = None) -> Model:
    """A copy that takes raw pixels 0..255, of a model that encrypt_with_matrix made for this `matrix` and these `bits`.

    Raises InvalidKeyError for another matrix than the model's, InvalidModelError for a model without one.
    """
    decrypted = copy.deepcopy(model)
    layer = find_stem(decrypted, stem)
    held = read_matrix_mark(layer.weight)
    if held is None:
        raise InvalidModelError("this model is not encrypted with a matrix", "encrypt_with_matrix makes one")
    if held != matrix.fingerprint:
        raise InvalidKeyError(f"the model belongs to matrix {held}, not to {matrix.fingerprint}", "find its matrix")
    before, without_bias = layer.weight.detach().clone(), layer.bias is None and of_another_library(model)
    last = channels_come_last(decrypted, layer)
    plain = _affine(matrix, bits).decrypt_embedding(*read_embedding(layer, channels_last=last))
    write_embedding(layer, *plain, channels_last=last)
    if without_bias:
        move_bias(decrypted, stem)
    replace_copies(decrypted, layer, before)
    return decrypted


def _affine(matrix: EncryptionMatrix, bits: int) -> AffineMap:
    return {32: matrix.affine, 16: matrix.affine_16}[bits]
