"""Models in whole numbers: 8 bits for weights and activations, whose ranges are those that real images give."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from veilseg.ciphers import cipher_for
from veilseg.ciphers.plain import pad
from veilseg.data.base import SegmentationData
from veilseg.errors import InvalidDataError, InvalidModelError, UsageError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.install import install_hint
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME, ModelConfig
from veilseg.modelfolder import FOREIGN
from veilseg.models.onnx.attention import fuse_attention
from veilseg.models.onnx.stem_file import split_stem, stem_node
from veilseg.models.onnx_session import open_onnx
from veilseg.scale import ORIGINAL, reduce_photograph

if TYPE_CHECKING:
    from veilseg.keys import Key

_TOLERANCE = 1e-3  # of the greatest logit: what fused attention may differ by, which rounds in another order


def quantize(
    folder: str | Path,
    target: str | Path,
    data: SegmentationData,
    *,
    images: int = 32,
    key: Key | None = None,
    overwrite: bool = False,
) -> float:
    """Write the exported model of `folder` (config.json, model.onnx) to `target`, weights int8 and activations uint8.

    `images` of `data`, spread over it and encrypted as the model takes them, are run to find the range of every
    activation (static quantization: least and greatest value; weights by channel). Their labels are not used. The first
    layer of networks of other libraries, and of all that have or take a key, stays in float, in stem.bin where it was.
    `key` is that of an encrypted model.

    Returns the share of these images' pixels (0..1) for which both models answer the same class.

    Raises InvalidModelError where there is no model.onnx, InvalidDataError without images, UsageError without the key
    of an encrypted model, InvalidKeyError for another.
    """
    source, target = Path(folder), Path(target)
    config = ModelConfig.load(source)
    split = (source / STEM_NAME).exists()
    names = [*([STEM_NAME] if split else []), ONNX_NAME, CONFIG_NAME]
    for name in names:
        refuse_existing(target / name, overwrite=overwrite)
    if not (source / ONNX_NAME).is_file():
        raise InvalidModelError(f"{source} has no {ONNX_NAME}", "veilseg export makes one")
    if config.input.keyed:
        if key is None:
            raise UsageError("the model is encrypted, and its ranges are found with its own images", "give its key")
        config.input.check_old_key(key.fingerprint)
    if images < 1 or not len(data):
        raise InvalidDataError(f"{data.name} has no image to quantize with")
    given = _Inputs(config, data, images, key)
    in_float = split or config.input.keyed or config.architecture in FOREIGN
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / ONNX_NAME
        _quantize(source / ONNX_NAME, made, given, stem_in_float=in_float, split=split)
        exact, rounded = open_onnx(source / ONNX_NAME), open_onnx(made)
        same = [float(np.mean(exact(one).argmax(1) == rounded(one).argmax(1))) for one in given]
        made.with_name(CONFIG_NAME).write_bytes((source / CONFIG_NAME).read_bytes())
        make_folder(target)
        for name in names:  # the config last: without it nobody takes the folder for a model
            write_atomic(target / name, made.with_name(name).read_bytes(), overwrite=overwrite)
    return float(np.mean(same))


class _Inputs:
    """What the network reads of `count` images of a dataset, each float32 [1, 3, H, W]; made anew at every pass."""

    def __init__(self, config: ModelConfig, data: SegmentationData, count: int, key: Key | None) -> None:
        encryption = config.input.encryption
        self._cipher, self._key = None if encryption is None else cipher_for(encryption), key
        self._size = config.arguments.get("size")  # of a network that was exported for one
        self._multiple, self._longer_side, self._data = config.size_multiple, config.longer_side, data
        self._chosen = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)).tolist()

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in self._chosen:
            photo = self._data[index].image
            if self._size is None:
                image = pad(reduce_photograph(photo, self._longer_side), self._multiple)
            else:
                image = np.asarray(Image.fromarray(photo).resize(tuple(reversed(self._size))))
            if self._cipher is not None:
                image = self._cipher.reduce(self._cipher.encrypt(image, self._key, longer_side=ORIGINAL).pixels)
            yield np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)

    def reader(self) -> Any:
        """The same as ONNX Runtime's CalibrationDataReader: each under the name of the graph's input, then None."""
        rest = iter(self)
        return SimpleNamespace(get_next=lambda: next(({"images": images} for images in rest), None))


def _quantize(source: Path, target: Path, given: _Inputs, *, stem_in_float: bool, split: bool) -> None:
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise InvalidModelError("quantization needs the package onnx", install_hint("train")) from error

    prepared, whole = target.with_name("prepared.onnx"), target.with_name("whole.onnx")
    onnx.save(onnx.load(str(source)), str(whole))  # with the stem in it
    quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
    _fuse(prepared, next(iter(given)))
    stem = stem_node(onnx.load(str(prepared))) if stem_in_float else None
    if stem_in_float and stem is None:
        raise InvalidModelError("the exported graph does not begin with a convolution of the image", "stay in float")
    quantize_static(
        str(prepared),
        str(target),
        given.reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm", "Relu"],
        nodes_to_exclude=[] if stem is None else [stem.name],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # What takes the results of products in a transformer computes in float: rounding them costs time and bits.
        extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
    )
    if split:
        model = onnx.load(str(target))
        target.with_name(STEM_NAME).write_bytes(split_stem(model))
        onnx.save(model, str(target))


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
