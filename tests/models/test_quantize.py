"""Models in 8 bits: what they keep, and which are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tests.models.conftest import tiny_conv, tiny_setr
from veilseg.ciphers import cipher
from veilseg.data import open_data
from veilseg.errors import InvalidDataError, InvalidKeyError, UsageError, VeilsegError
from veilseg.keys import Key
from veilseg.modelconfig import STEM_NAME
from veilseg.models import SegmentationModel, encrypt_model, export_onnx
from veilseg.models.encryption.onnx_stem import encrypt_onnx, rekey_onnx
from veilseg.models.onnx import quantize as quantization
from veilseg.models.onnx.attention import fuse_attention
from veilseg.models.onnx.quantize import quantize
from veilseg.runtime import Segmenter
from veilseg.runtime.engines import OnnxEngine


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)  # of some random networks the answers spread so little that 8 bits change them
    export_onnx(tiny_conv(input="canonical", sub_block=8), folder)
    return folder


def test_weights_are_whole_numbers_and_answers_stay(exported: Path, tmp_path: Path) -> None:
    data = open_data("scenes:4:1")
    same = quantize(exported, tmp_path / "int8", data, images=2)
    graph = onnx.load(str(tmp_path / "int8" / "model.onnx")).graph
    kernels = [tensor for tensor in graph.initializer if len(tensor.dims) == 4]
    assert kernels
    assert all(tensor.data_type == onnx.TensorProto.INT8 for tensor in kernels)
    assert (tmp_path / "int8" / "config.json").read_text() == (exported / "config.json").read_text()
    exact, rounded = Segmenter(exported), Segmenter(tmp_path / "int8")
    seen = []
    for index in (0, 3):  # the first and the last of the data: those that were chosen
        pixels = data[index].image
        a, b = exact.logits(pixels), rounded.logits(pixels)
        assert np.abs(a - b).max() < 0.25 * np.ptp(a)
        seen.append(a)
    assert same > 0.9
    assert np.ptp(seen[0]) > 0


def test_the_share_of_equal_answers_is_measured(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model all of whose logits are 0, so that it answers class 0 everywhere."""
    exact = OnnxEngine(exported / "model.onnx")
    data = open_data("scenes:2:1")
    sort = cipher("subblock-sort", sub_block=8)
    first = []
    for sample in (data[0], data[1]):
        pixels = sort.encrypt(sample.image).pixels
        first.append(np.mean(exact.run(pixels.transpose(2, 0, 1)[None].astype(np.float32)).argmax(1) == 0))

    def blind(source: Path, target: Path, given: object, **_: object) -> None:
        model = onnx.load(str(source))
        end = model.graph.output[0].name
        model.graph.node.append(onnx.helper.make_node("Mul", [end, "zero"], ["none"]))
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
        for node in model.graph.node:
            node.output[:] = ["scores" if name == end else name for name in node.output]
            node.input[:] = ["scores" if name == end else name for name in node.input]
        model.graph.node[-1].output[0] = end
        onnx.save(model, str(target))

    monkeypatch.setattr(quantization, "_quantize", blind)
    assert 0 < np.mean(first) < 1
    assert quantize(exported, tmp_path / "int8", data, images=2) == pytest.approx(np.mean(first))


@pytest.mark.parametrize("make", [tiny_conv, tiny_setr])
def test_stems_that_take_keys_stay_in_float(make: Callable[[], SegmentationModel], tmp_path: Path) -> None:
    """An int8 model is encrypted and given other keys by its stem.bin alone, as one in float is."""
    torch.manual_seed(0)
    export_onnx(make(), tmp_path / "open", split_stem=16)
    data = open_data("scenes:2:1")
    assert quantize(tmp_path / "open", tmp_path / "int8", data, images=2) > 0.6  # of random networks
    assert (tmp_path / "int8" / STEM_NAME).read_bytes() == (tmp_path / "open" / STEM_NAME).read_bytes()
    kinds = {tensor.data_type for tensor in onnx.load(str(tmp_path / "int8" / "model.onnx")).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    old, new = Key(bytes(range(32))), Key(bytes(32))
    encrypt_onnx(tmp_path / "int8", old, tmp_path / "encrypted")
    rekey_onnx(tmp_path / "encrypted", old, new, tmp_path / "moved")
    for index in range(2):
        photo = data[index].image[:64, :96]
        image = cipher("patch-permutation", block=16).encrypt(photo, new)
        same = Segmenter(tmp_path / "moved").segment(image) == Segmenter(tmp_path / "int8").segment(photo)
        assert same.mean() > 0.99


def test_an_encrypted_model_needs_its_key(tmp_path: Path) -> None:
    torch.manual_seed(0)
    key, data = Key.generate(), open_data("scenes:2:1")
    export_onnx(encrypt_model(tiny_setr(), key), tmp_path / "encrypted")
    for given, error in ((None, UsageError), (Key(bytes(32)), InvalidKeyError)):
        with pytest.raises(error):
            quantize(tmp_path / "encrypted", tmp_path / "int8", data, key=given)
    assert not (tmp_path / "int8").exists()
    assert quantize(tmp_path / "encrypted", tmp_path / "int8", data, images=2, key=key) > 0.6


def test_nothing_is_replaced_and_images_are_needed(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(VeilsegError, match="exists already"):
        quantize(exported, tmp_path, open_data("scenes:1:1"))
    assert (tmp_path / "config.json").read_text() == "mine"
    with pytest.raises(InvalidDataError, match="no image"):
        quantize(exported, tmp_path / "int8", open_data("scenes:1:1"), images=0)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transformer")
    export_onnx(tiny_setr(), folder)
    return folder


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(str(path)).graph.node]


@pytest.mark.parametrize("size", [(1, 64, 64), (2, 48, 96)])
def test_fused_attention_computes_the_same(transformer: Path, tmp_path: Path, size: tuple[int, int, int]) -> None:
    model = onnx.load(str(transformer / "model.onnx"))
    assert fuse_attention(model) == 4
    onnx.save(model, str(tmp_path / "fused.onnx"))
    assert "Attention" not in operators(tmp_path / "fused.onnx")
    count, height, width = size
    images = np.random.default_rng(0).integers(0, 256, (count, 3, height, width)).astype(np.float32)
    before, after = (OnnxEngine(path).run(images) for path in (transformer / "model.onnx", tmp_path / "fused.onnx"))
    assert np.abs(before - after).max() < 1e-4 * np.abs(before).max()


def test_other_networks_are_left_alone(exported: Path, transformer: Path) -> None:
    convolutions = onnx.load(str(exported / "model.onnx"))
    before = convolutions.SerializeToString()
    assert fuse_attention(convolutions) == 0
    assert convolutions.SerializeToString() == before
    scaled = onnx.load(str(transformer / "model.onnx"))
    for node in scaled.graph.node:
        if node.op_type == "Attention":
            node.attribute.append(onnx.helper.make_attribute("scale", 0.5))
    assert fuse_attention(scaled) == 0


def test_a_projection_that_others_read_stays(transformer: Path) -> None:
    model = onnx.load(str(transformer / "model.onnx"))
    bias = next(node for node in model.graph.node if any(name.endswith("attn.qkv.bias") for name in node.input))
    model.graph.node.append(onnx.helper.make_node("Relu", [bias.output[0]], ["more"]))
    assert fuse_attention(model) == 3


def test_a_transformer_in_whole_numbers(transformer: Path, tmp_path: Path) -> None:
    data = open_data("scenes:2:1")
    same = quantize(transformer, tmp_path / "int8", data, images=1)
    found = operators(tmp_path / "int8" / "model.onnx")
    assert found.count("MultiHeadAttention") == 4
    assert "Attention" not in found
    a, b = (Segmenter(folder).logits(data[1].image) for folder in (transformer, tmp_path / "int8"))
    assert np.abs(a - b).max() < 0.25 * np.ptp(a)
    assert same > 0.8


def test_a_fusion_that_answers_otherwise_is_not_taken(
    transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: onnx.ModelProto) -> int:
        count = fuse_attention(model)
        for node in model.graph.node:
            if node.op_type == "MultiHeadAttention":
                node.input[0], node.input[1] = node.input[1], node.input[0]
        return count

    monkeypatch.setattr(quantization, "fuse_attention", wrong)
    quantize(transformer, tmp_path / "int8", open_data("scenes:1:1"), images=1)
    assert "MultiHeadAttention" not in operators(tmp_path / "int8" / "model.onnx")
