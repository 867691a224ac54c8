"""Both engines behind one interface."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import veilseg
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.errors import InvalidModelError, UsageError
from veilseg.modelconfig import ModelConfig
from veilseg.runtime import Segmenter
from veilseg.runtime.engines import OnnxEngine, TorchEngine, is_torch_module


def torch_twin(folder: Path) -> object:
    """The tiny ONNX network in torch."""
    torch = pytest.importorskip("torch")
    import onnx
    from onnx import numpy_helper

    tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / "model.onnx")).graph.initializer}

    class Twin(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.config = ModelConfig.load(folder)
            for name in ("w", "b", "head"):
                self.register_parameter(name, torch.nn.Parameter(torch.tensor(tensors[name])))

        def forward(self, images: object) -> object:
            functional = torch.nn.functional
            grid = functional.conv2d(images, self.w, self.b, stride=self.w.shape[-1]).relu()
            logits = functional.conv2d(grid, self.head)
            return functional.interpolate(logits, scale_factor=self.w.shape[-1], mode="bilinear")

    return Twin()


def test_torch_and_onnx_agree(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "m", CANONICAL)
    twin = torch_twin(folder)
    assert is_torch_module(twin)
    by_torch, by_onnx = Segmenter(twin, threads=1), Segmenter(folder, threads=1)
    encrypted = veilseg.cipher("subblock-shuffle", block=16, sub_block=8).encrypt(photo())
    assert by_torch.engine.name == "torch"
    np.testing.assert_allclose(by_torch.logits(encrypted.pixels), by_onnx.logits(encrypted.pixels), atol=1e-3)
    assert np.mean(by_torch.segment(encrypted) == by_onnx.segment(encrypted)) > 0.999


def test_torch_threads_are_given_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    seen: list[int] = []

    class Probe(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, images: object) -> object:
            seen.append(torch.get_num_threads())
            return images

    TorchEngine(Probe(), threads=1).run(np.zeros((1, 3, 4, 4), np.float32))
    assert seen == [1]
    assert torch.get_num_threads() == before


def test_torch_models_must_say_what_they_take() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidModelError, match="does not say"):
        Segmenter(torch.nn.Conv2d(3, 11, 1))
    with pytest.raises(InvalidModelError, match="is no model"):
        Segmenter(object())


def test_files_that_are_no_such_network_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a network")
    with pytest.raises(InvalidModelError, match="cannot be loaded"):
        OnnxEngine(tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="threads"):
        OnnxEngine(tmp_path / "model.onnx", threads=0)


def test_a_size_that_the_network_cannot_take_is_named(tmp_path: Path) -> None:
    engine = OnnxEngine(tiny_model(tmp_path / "m", size=(32, 48)) / "model.onnx", threads=1)
    assert engine.fixed_size == (32, 48)
    with pytest.raises(InvalidModelError, match="64x64"):
        engine.run(np.zeros((1, 3, 64, 64), np.float32))


def test_a_failure_for_want_of_memory_is_said(tmp_path: Path) -> None:
    """In a process that may take little more than it has: the logits of 17 megapixels do not fit."""
    code = f"""
import pathlib, resource
import numpy as np
from veilseg.errors import InvalidModelError, VeilsegError
from veilseg.runtime.engines import OnnxEngine
engine = OnnxEngine(pathlib.Path({str(tiny_model(tmp_path / "m") / "model.onnx")!r}), threads=1)
images = np.zeros((1, 3, 4096, 4096), np.float32)
taken = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**27, resource.RLIM_INFINITY))
try:
    engine.run(images)
except VeilsegError as error:
    assert not isinstance(error, InvalidModelError), "no fault of the image"
    print(error)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "4096x4096" in done.stdout, done.stderr
    assert "memory" in done.stdout


def test_a_network_with_other_classes_than_its_config_is_caught(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "m")
    other = tiny_model(tmp_path / "n", classes=("a", "b"))
    (folder / "config.json").write_text((other / "config.json").read_text())
    with pytest.raises(InvalidModelError, match="2 classes"):
        Segmenter(folder, threads=1).segment(photo())


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_what_is_no_number_is_an_error(engine: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model", weight=float("nan"))
    segmenter = Segmenter(folder if engine == "onnx" else torch_twin(folder))
    with pytest.raises(InvalidModelError, match="NaN"):
        segmenter.segment(photo(0))


@pytest.mark.parametrize("kind", ["STRING", "INT64", "BOOL"])
def test_outputs_of_other_kinds_are_refused(kind: str, tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    folder = tiny_model(tmp_path / "model")
    wanted = getattr(onnx.TensorProto, kind)
    names: list[str | int | None] = ["N", 3, "H", "W"]
    graph = helper.make_graph(
        [helper.make_node("Cast", ["images"], ["logits"], to=wanted)],
        "other",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, names)],
        [helper.make_tensor_value_info("logits", wanted, names)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InvalidModelError, match="float images"):
        Segmenter(folder)
