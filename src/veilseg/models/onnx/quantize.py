"""Models in whole numbers: 8 bits for weights and activations, whose ranges are those that real images give."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from veilseg.ciphers import own_cipher
from veilseg.data.base import SegmentationData
from veilseg.errors import InvalidDataError, InvalidModelError, UsageError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME
from veilseg.models.onnx.attention import fuse_attention
from veilseg.runtime import Segmenter
from veilseg.runtime.engines import Engine, OnnxEngine

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
    exact = Segmenter(source, engine="onnx")
    if exact.config.input.keyed or (source / STEM_NAME).exists():
        raise UsageError("a model that takes keys stays in float", "export it without --split-stem, unencrypted")
    if images < 1 or not len(data):
        raise InvalidDataError(f"{data.name} has no image to quantize with")
    chosen = np.unique(np.linspace(0, len(data) - 1, min(images, len(data))).astype(int)).tolist()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "int8"
        made.mkdir()
        shutil.copy(source / CONFIG_NAME, made)
        _quantize(source / ONNX_NAME, made / ONNX_NAME, exact, data, chosen)
        rounded = Segmenter(made, engine="onnx")
        same = [float(np.mean(_labels(exact, data, i) == _labels(rounded, data, i))) for i in chosen]
        make_folder(target)
        for name in (ONNX_NAME, CONFIG_NAME):  # the config last: without it nobody takes the folder for a model
            write_atomic(target / name, (made / name).read_bytes(), overwrite=overwrite)
    return float(np.mean(same))


def _labels(segmenter: Segmenter, data: SegmentationData, index: int) -> np.ndarray:
    made, image = own_cipher(segmenter.config.input), data[index].image
    return segmenter.segment(image if made == "plain" else made.encrypt(image))


def _quantize(source: Path, target: Path, exact: Segmenter, data: SegmentationData, chosen: list[int]) -> None:
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise InvalidModelError("quantization needs the package onnx", "pip install 'veilseg[train]'") from error

    prepared = target.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    first = _Ranges(exact, data, chosen[:1]).get_next()
    assert first is not None
    _fuse(prepared, first["images"])
    quantize_static(
        str(prepared),
        str(target),
        _Ranges(exact, data, chosen),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm", "Relu"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # What takes the results of products in a transformer computes in float: rounding them costs time and bits.
        extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
    )
    prepared.unlink()


def _fuse(path: Path, images: np.ndarray) -> None:
    """Fuse the attentions of the model at `path`, in place, if its answers for `images` stay up to rounding."""
    import onnx

    model = onnx.load(str(path))
    if not fuse_attention(model):
        return
    fused = path.with_name("fused.onnx")
    onnx.save(model, str(fused))
    before, after = (OnnxEngine(each).run(images) for each in (path, fused))
    if np.abs(before - after).max() <= _TOLERANCE * np.abs(before).max():
        fused.replace(path)


class _Ranges:
    """What the network is given for the images `chosen`: ONNX Runtime's CalibrationDataReader, one image at a time."""

    def __init__(self, segmenter: Segmenter, data: SegmentationData, chosen: list[int]) -> None:
        self._segmenter, self._data, self._chosen = segmenter, data, iter(chosen)
        self._waiting: list[np.ndarray] = []

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next array by the name of the graph's input, or None after the last."""
        while not self._waiting:
            index = next(self._chosen, None)
            if index is None:
                return None
            engine = self._segmenter.engine
            self._segmenter.engine = _Recorder(engine, self._waiting)
            try:
                _labels(self._segmenter, self._data, index)
            finally:
                self._segmenter.engine = engine
        return {"images": self._waiting.pop(0)}


class _Recorder:
    """An engine that also keeps what it is given."""

    def __init__(self, engine: Engine, kept: list[np.ndarray]) -> None:
        self._engine, self._kept = engine, kept
        self.name, self.fixed_size = engine.name, engine.fixed_size

    def run(self, images: np.ndarray) -> np.ndarray:
        self._kept.append(images)
        return self._engine.run(images)
