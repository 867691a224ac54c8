"""Models in 8 bits: what they keep, and which are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.models.conftest import tiny_conv
from veilseg.data import open_data
from veilseg.errors import InvalidData, UsageError, VeilsegError
from veilseg.evaluation.quantize import quantize
from veilseg.keys import Key
from veilseg.models import export_onnx
from veilseg.runtime import Segmenter, encrypt_onnx


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
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
    maps = iter([np.array([[0, 1]]), np.array([[0, 1]]), np.array([[2, 3]]), np.array([[2, 0]])])
    monkeypatch.setattr("veilseg.evaluation.quantize._quantize", lambda source, target, _: shutil.copy(source, target))
    monkeypatch.setattr("veilseg.evaluation.quantize._labels", lambda *_: next(maps))
    assert quantize(exported, tmp_path / "int8", open_data("scenes:2:1"), images=2) == 0.75


def test_models_that_take_keys_stay_in_float(tmp_path: Path) -> None:
    export_onnx(tiny_conv(), tmp_path / "open", split_stem=16)
    data = open_data("scenes:1:1")
    with pytest.raises(UsageError, match="float"):
        quantize(tmp_path / "open", tmp_path / "int8", data)
    encrypt_onnx(tmp_path / "open", Key.generate(), tmp_path / "locked")
    with pytest.raises(UsageError, match="float"):
        quantize(tmp_path / "locked", tmp_path / "int8", data)
    assert not (tmp_path / "int8").exists()


def test_nothing_is_replaced_and_images_are_needed(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(VeilsegError, match="exists already"):
        quantize(exported, tmp_path, open_data("scenes:1:1"))
    assert (tmp_path / "config.json").read_text() == "mine"
    with pytest.raises(InvalidData, match="no image"):
        quantize(exported, tmp_path / "int8", open_data("scenes:1:1"), images=0)
