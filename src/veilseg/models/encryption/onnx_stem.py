"""Model encryption for an exported model, without torch: the patchify stem lies in a file of its own, stem.bin.

Encrypting a network [Kiya 2022] changes its first layer alone: E_hat = M E. So an export keeps that layer's
tensors outside model.onnx, in stem.bin: the weight [D, 3, p, p], then the bias [D], float32, little-endian. Whoever
holds the key rewrites this one file with NumPy; model.onnx stays as it is.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from veilseg.catalog import DEFAULT_MODEL_CIPHER
from veilseg.ciphers import cipher_for
from veilseg.errors import InvalidModelError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME, ModelConfig
from veilseg.modelfolder import find_model
from veilseg.models.encryption.trial import ROUNDING, WRONG, Proof, distance, random_photo
from veilseg.models.encryption.watermark import LENGTH, read_mark
from veilseg.models.onnx_session import open_onnx
from veilseg.spec import CipherSpec

if TYPE_CHECKING:
    from veilseg.keys import Key

Prepare = Callable[[np.ndarray], np.ndarray]
STEM_FILES = (STEM_NAME, ONNX_NAME, CONFIG_NAME)


def encrypt_onnx(
    model: str | Path,
    key: Key,
    out: str | Path,
    *,
    cipher: str = DEFAULT_MODEL_CIPHER,
    block: int | None = None,
    overwrite: bool = False,
) -> tuple[ModelConfig, Proof | None]:
    """Writes to the folder `out` the plain model `model` (shipped name or folder) encrypted with `key`.

    The result takes images encrypted by `cipher` with the same key and block, and answers for them what `model` answers
    for the plain images, up to float rounding. `block` in pixels can only be the stem's. Returns its config and how far
    the answers are apart, None where there is no ONNX Runtime to compute them. Raises InvalidModelError when the model
    is not plain or has no stem.bin for such blocks, VeilsegError when `out` holds a model and `overwrite` is false.
    """
    source, config = _find(model)
    config.input.check_encryptable()
    side = block or config.size_multiple  # the grid of a plain network with such a stem is its kernel's side
    if side != config.size_multiple:  # the length of stem.bin alone could fit by chance
        raise InvalidModelError(f"{source} has a stem for blocks of {config.size_multiple} pixels, not of {side}")
    weight, bias = read_stem(source, side)
    (read_mark(weight.reshape(-1)[:LENGTH].view(np.int32), side) or config.input).check_encryptable()
    encryption = CipherSpec(cipher, side)
    stem = cipher_for(encryption).affine(key).encrypt_embedding(*_embedding(weight, bias))
    spec = InputSpec(encryption, key.fingerprint)
    changed = dataclasses.replace(config, input=spec)
    return _write(source, Path(out), stem, changed, overwrite, (lambda photo: photo, key))


def rekey_onnx(
    model: str | Path, old: Key, new: Key, out: str | Path, *, overwrite: bool = False
) -> tuple[ModelConfig, Proof | None]:
    """Writes to the folder `out` the model `model`, encrypted with `old`, encrypted with `new` instead.

    Neither the plain model nor torch is needed. Returns what `encrypt_onnx` does. Raises InvalidModelError when the
    model is not encrypted or has no stem.bin, InvalidKeyError when `old` is not its key, VeilsegError as
    `encrypt_onnx` does.
    """
    source, config = _find(model)
    spec = config.input
    cipher = cipher_for(spec.check_old_key(old.fingerprint))
    weight, bias = read_stem(source, spec.block)
    plain = cipher.affine(old).decrypt_embedding(*_embedding(weight, bias))
    stem = cipher.affine(new).encrypt_embedding(*plain)
    moved = dataclasses.replace(config, input=dataclasses.replace(spec, key_fingerprint=new.fingerprint))
    return _write(
        source, Path(out), stem, moved, overwrite, (lambda photo: cipher.encrypt_pixels(photo, old, None), new)
    )


def read_stem(folder: Path, block: int) -> tuple[np.ndarray, np.ndarray]:
    """(weight float32 [D, 3, block, block], bias float32 [D]) of the model in `folder`. InvalidModelError without."""
    path = folder / STEM_NAME
    if not path.is_file():
        raise InvalidModelError(
            f"{folder} has no {STEM_NAME}, so its stem cannot be encrypted",
            hint="veilseg export --split-stem writes one",
        )
    values = np.frombuffer(path.read_bytes(), "<f4")
    length = 3 * block * block
    if not values.size or values.size % (length + 1):
        raise InvalidModelError(f"{path} does not hold a stem for blocks of {block} pixels")
    width = values.size // (length + 1)
    return values[: width * length].reshape(width, 3, block, block), values[width * length :]


def stem_bytes(weight: np.ndarray, bias: np.ndarray) -> bytes:
    """The content of stem.bin for weight [D, 3, p, p] (or [D, L]) and bias [D]."""
    return weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes()


def _find(model: str | Path) -> tuple[Path, ModelConfig]:
    found = find_model(model, "onnx")
    if found.folder is None or found.config is None:
        raise InvalidModelError(f"{model} is no exported model", hint="veilseg export --split-stem makes one")
    return found.folder, found.config


def _embedding(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The embedding E [L, D] and the bias [D] in float64."""
    return weight.reshape(len(weight), -1).T.astype(np.float64), bias.astype(np.float64)


def _write(
    source: Path,
    out: Path,
    stem: tuple[np.ndarray, np.ndarray],
    config: ModelConfig,
    overwrite: bool,
    given: tuple[Prepare, Key],
) -> tuple[ModelConfig, Proof | None]:
    """Write all files, after they were checked in a folder of their own; `given` as for `_check`."""
    for name in STEM_FILES:
        refuse_existing(out / name, overwrite=overwrite)
    contents = {
        STEM_NAME: stem_bytes(stem[0].T, stem[1]),
        ONNX_NAME: (source / ONNX_NAME).read_bytes(),
        CONFIG_NAME: config.to_json().encode(),
    }
    with tempfile.TemporaryDirectory(prefix="veilseg-") as scratch:
        for name, content in contents.items():
            (Path(scratch) / name).write_bytes(content)
        proof = _check(source, Path(scratch), config, *given)
    make_folder(out)
    for name, content in contents.items():  # the config last: without it nobody takes the folder for a model
        write_atomic(out / name, content, overwrite=overwrite)
    return config, proof


def _check(source: Path, made: Path, config: ModelConfig, prepare: Prepare, key: Key) -> Proof | None:
    """Raise InvalidModelError unless `made` answers for encrypted images what `source` answers for `prepare`'s.

    A machine without ONNX Runtime cannot run either, and checks nothing.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    spec = config.input
    assert spec.encryption is not None
    cipher = cipher_for(spec.encryption)
    height, width = config.arguments.get("size", (4 * config.size_multiple, 6 * config.size_multiple))
    photo = random_photo(height, width)
    before, after = open_onnx(source / ONNX_NAME), open_onnx(made / ONNX_NAME)
    wanted = before(_batch(prepare(photo)))
    none = photo if spec.bits == 8 else photo.astype(np.uint16) * 257
    images = (cipher.encrypt_pixels(photo, key, None), cipher.encrypt_pixels(photo, WRONG, None), none)
    proof = Proof(*(distance([after(_batch(image))], [wanted]) for image in images))
    proof.check(ROUNDING[spec.bits])
    return proof


def _batch(image: np.ndarray) -> np.ndarray:
    """[H, W, 3] as a network reads it: float32 [1, 3, H, W]."""
    return np.ascontiguousarray(image.astype(np.float32).transpose(2, 0, 1)[None])
