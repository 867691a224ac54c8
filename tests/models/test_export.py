"""Exported networks agree with the originals, on sizes they were not traced with."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.models.conftest import images, tiny_conv, tiny_setr
from veilseg.errors import InvalidModelError, VeilsegError
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig
from veilseg.models import SegmentationModel, encrypt_model, export_onnx
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.onnx import export as export_module


def run(folder, pixels: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    assert [(value.name, value.type) for value in session.get_inputs()] == [("images", "tensor(float)")]
    assert [value.name for value in session.get_outputs()] == ["logits"]
    return np.asarray(session.run(None, {"images": pixels.float().numpy()})[0])


def agree(folder, model: SegmentationModel, *size: int) -> None:
    """ONNX Runtime on what the runtime would give it, against torch with its own first layer."""
    pixels = images(*size)
    prepared = pixels if model.prepare is None else model.prepare(pixels)
    with torch.no_grad():
        wanted = model(pixels).numpy()
    got = run(folder, prepared)
    assert np.abs(got - wanted).max() < 1e-3 * max(1, np.abs(wanted).max())
    assert (got.argmax(1) == wanted.argmax(1)).mean() > 0.999


def test_setr(tmp_path, capfd, recwarn):
    model = tiny_setr("mla", input="canonical", sub_block=8, depth=2)
    export_onnx(model, tmp_path)
    for size in ((1, 3, 32, 32), (3, 3, 48, 112), (2, 3, 64, 64)):
        agree(tmp_path, model, *size)
    assert ModelConfig.load(tmp_path) == model.config
    printed = capfd.readouterr()
    assert not printed.out.strip()
    assert not printed.err.strip()
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning | FutureWarning)]
    graph = onnx.load(tmp_path / "model.onnx")
    data = graph.SerializeToString()
    assert b"site-packages" not in data
    assert b"veilseg/" not in data
    assert not {node.op_type for node in graph.graph.node} & {"TopK", "Unique"}  # no sorting: no canonical form
    assert "auxiliary" not in str([tensor.name for tensor in graph.graph.initializer])
    with pytest.raises(VeilsegError, match="exists"):
        export_onnx(model, tmp_path)


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> tuple[SegmentationModel, Path]:
    """A convseg and where it was exported to with its stem for blocks of 16; one export, because it takes a while."""
    torch.manual_seed(1)
    model, folder = tiny_conv(patch=4), tmp_path_factory.mktemp("apart")
    export_onnx(model, folder, split_stem=16)
    return model, folder


def test_convseg_with_its_stem_apart(apart, tmp_path):
    model, folder = apart
    agree(folder, model, 2, 3, 48, 80)
    assert ModelConfig.load(folder).size_multiple == 16
    assert find_patchify(model).kernel_size == (4, 4)
    stem = np.fromfile(folder / "stem.bin", "<f4")
    width = 16 * 16  # 16 channels at each of the 4x4 patches of a block
    assert stem.size == width * (3 * 16 * 16 + 1)
    widened = encrypt_model(model, Key.generate(), block=16)
    bias = find_patchify(widened).bias
    assert bias is not None
    assert np.array_equal(stem[-width:], bias.detach().numpy())
    # The stem in use is the file's: another one gives another answer.
    pixels = images(1, 3, 32, 32)
    (tmp_path / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
    (tmp_path / "stem.bin").write_bytes((stem[::-1]).astype("<f4").tobytes())
    assert not np.allclose(run(tmp_path, pixels), run(folder, pixels))


@pytest.mark.parametrize("value", [9.0, float("nan")])
def test_wrong_exports_are_not_written(apart, tmp_path, monkeypatch, value):
    model, folder = copy.deepcopy(apart[0]), apart[1]
    model.widen_patch(16)  # as the graph
    graph = onnx.load(folder / "model.onnx")
    bias = next(tensor for tensor in graph.graph.initializer if tensor.name.endswith("head.0.bias"))
    bias.CopyFrom(onnx.numpy_helper.from_array(np.arange(20, dtype=np.float32) * np.float32(value), bias.name))
    monkeypatch.setattr(export_module, "_trace", lambda *_: graph)
    with pytest.raises(InvalidModelError, match="off by"):
        export_onnx(model, tmp_path / "out")
    graph.graph.node[0].op_type = "NoSuchThing"
    with pytest.raises(InvalidModelError, match="does not run"):
        export_onnx(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
