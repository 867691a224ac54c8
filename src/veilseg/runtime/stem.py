"""Model encryption for an exported model, without torch: the patchify stem lies in a file of its own, stem.bin.

Encrypting a network (methods of [P2]) changes its first layer alone: E_hat = M E. So an export keeps that layer's
tensors outside model.onnx, in stem.bin: the weight [D, 3, p, p], then the bias [D], float32, little-endian. Whoever
holds the key rewrites this one file with NumPy; model.onnx stays as it is.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from veilseg import ciphers
from veilseg.errors import InvalidModel
from veilseg.modelspec import CONFIG_NAME, InputSpec, ModelConfig
from veilseg.runtime.locate import ONNX_NAME, find_model

if TYPE_CHECKING:
    from veilseg.keys import Key

STEM_NAME = "stem.bin"


def encrypt_onnx(
    model: str | Path, key: Key, out: str | Path, *, cipher: str = "patch-permutation", block: int = 16
) -> ModelConfig:
    """Writes to the new folder `out` the plain model `model` (shipped name or folder) encrypted with `key`.

    The result takes images encrypted by `cipher` with the same key and block, and answers for them what `model` answers
    for the plain images, up to float rounding ([P2]; methods of section 2). Returns its config. Raises InvalidModel
    when the model is not plain or has no stem.bin for blocks of `block` pixels, or when `out` exists.
    """
    found = find_model(model, "onnx")
    assert found.folder is not None
    assert found.config is not None
    source, target = found.folder, Path(out)
    if found.config.input.cipher != "plain":
        raise InvalidModel(f"{source} is not a plain model: it takes {found.config.input.cipher}")
    if target.exists():
        raise InvalidModel(f"{target} exists already", hint="choose a new folder")
    # The grid of a plain network is the side of its stem's kernel; the length of stem.bin alone could fit by chance.
    if block != found.config.size_multiple:
        raise InvalidModel(f"{source} has a stem for blocks of {found.config.size_multiple} pixels, not of {block}")
    weight, bias = read_stem(source, block)
    embedding = weight.reshape(len(weight), -1).T.astype(np.float64)
    mixed, moved = ciphers.affine(cipher, key, block).lock(embedding, bias.astype(np.float64))
    spec = InputSpec(cipher=cipher, block=block, key_fingerprint=key.fingerprint)
    config = dataclasses.replace(found.config, input=spec)
    partial = target.with_name(target.name + ".part")
    partial.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / ONNX_NAME, partial / ONNX_NAME)
    (partial / STEM_NAME).write_bytes(stem_bytes(mixed.T.reshape(weight.shape), moved))
    (partial / CONFIG_NAME).write_text(config.to_json(), encoding="utf-8")
    partial.rename(target)
    return config


def read_stem(folder: Path, block: int) -> tuple[np.ndarray, np.ndarray]:
    """(weight float32 [D, 3, block, block], bias float32 [D]) of the model in `folder`; raises InvalidModel without."""
    path = folder / STEM_NAME
    if not path.is_file():
        raise InvalidModel(
            f"{folder} has no {STEM_NAME}, so its stem cannot be encrypted",
            hint="veilseg export --split-stem writes one",
        )
    values = np.frombuffer(path.read_bytes(), "<f4")
    length = 3 * block * block
    if not values.size or values.size % (length + 1):
        raise InvalidModel(f"{path} does not hold a stem for blocks of {block} pixels")
    width = values.size // (length + 1)
    return values[: width * length].reshape(width, 3, block, block), values[width * length :]


def stem_bytes(weight: np.ndarray, bias: np.ndarray) -> bytes:
    """The content of stem.bin for weight [D, 3, p, p] and bias [D]."""
    return weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes()
