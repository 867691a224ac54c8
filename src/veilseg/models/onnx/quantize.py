"""Models in whole numbers: 8 bits for weights and activations, whose ranges are those that real images give."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from veilseg.ciphers import cipher_for
from veilseg.ciphers.plain import pad
from veilseg.data.base import SegmentationData
from veilseg.errors import InvalidDataError, InvalidModelError, UsageError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.install import install_hint
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME, ModelConfig
from veilseg.models.onnx.attention import fuse_attention
from veilseg.models.onnx_session import open_onnx
from veilseg.scale import ORIGINAL, reduce_photograph

_TOLERANCE = 1e-3  # of the greatest logit: what fused attention may differ by, which rounds in another order


def quantize(
    folder: str | Path, target: str | Path, data: SegmentationData, *, images: int = 32, overwrite: bool = False
) -> float:
    """Write the exported model of `folder` (config.json, model.onnx) to `target`, weights int8 and activations uint8.

    `images` of `data`, spread over it and encrypted as the model takes them, are run to find the range of every
    activation (static quantization: least and greatest value; weights by channel). Their labels are not used.

    Returns the share of these images' pixels (0..1) for which both models answer the same class.

    Raises UsageError for a model with a key or one that takes a key (its first layer is rewritten with keys, in
    float), InvalidModelError where there is no model.onnx, InvalidDataError without images.
    """
    source, target = Path(folder), Path(target)
    for name in (ONNX_NAME, CONFIG_NAME):
        refuse_existing(target / name, overwrite=overwrite)
    config = ModelConfig.load(source)
    if not (source / ONNX_NAME).is_file():
        raise InvalidModelError(f"{source} has no {ONNX_NAME}", "veilseg export makes one")
    if config.input.keyed or (source / STEM_NAME).exists():
        raise UsageError("a model that takes keys stays in float", "export it without --split-stem, unencrypted")
    if images < 1 or not len(data):
        raise InvalidDataError(f"{data.name} has no image to quantize with")
    given = _Inputs(config, data, images)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / ONNX_NAME
        _quantize(source / ONNX_NAME, made, given)
        exact, rounded = open_onnx(source / ONNX_NAME), open_onnx(made)
        same = [float(np.mean(exact(one).argmax(1) == rounded(one).argmax(1))) for one in given]
        make_folder(target)
        write_atomic(target / ONNX_NAME, made.read_bytes(), overwrite=overwrite)
        # The config last: without it nobody takes the folder for a model.
        write_atomic(target / CONFIG_NAME, (source / CONFIG_NAME).read_bytes(), overwrite=overwrite)
    return float(np.mean(same))


class _Inputs:
    """What the network reads of `count` images of a dataset, each float32 [1, 3, H, W]; made anew at every pass."""

    def __init__(self, config: ModelConfig, data: SegmentationData, count: int) -> None:
        encryption = config.input.encryption
        self._cipher = None if encryption is None else cipher_for(encryption)
        self._multiple, self._longer_side, self._data = config.size_multiple, config.longer_side, data
        self._chosen = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)).tolist()

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in self._chosen:
            image = pad(reduce_photograph(self._data[index].image, self._longer_side), self._multiple)
            if self._cipher is not None:
                image = self._cipher.reduce(self._cipher.encrypt(image, longer_side=ORIGINAL).pixels)
            yield np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)

    def reader(self) -> Any:
        """The same as ONNX Runtime's CalibrationDataReader: each under the name of the graph's input, then None."""
        rest = iter(self)
        return SimpleNamespace(get_next=lambda: next(({"images": images} for images in rest), None))


def _quantize(source: Path, target: Path, given: _Inputs) -> None:
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise InvalidModelError("quantization needs the package onnx", install_hint("train")) from error

    prepared = target.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    _fuse(prepared, next(iter(given)))
    quantize_static(
        str(prepared),
        str(target),
        given.reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm", "Relu"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # What takes the results of products in a transformer computes in float: rounding them costs time and bits.
        extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
    )


def _fuse(path: Path, images: np.ndarray) -> None:
    """Fuse the attentions of the model at `path`, in place, if its logits for `images` stay up to rounding."""
    import onnx

    model = onnx.load(str(path))
    if not fuse_attention(model):
        return
    fused = path.with_name("fused.onnx")
    onnx.save(model, str(fused))
    before, after = (open_onnx(each)(images) for each in (path, fused))
    if np.abs(before - after).max() <= _TOLERANCE * np.abs(before).max():
        fused.replace(path)
