"""What runs a network: one small interface, ONNX Runtime (default) and PyTorch behind it, both imported late."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from veilseg.errors import InvalidModelError, UsageError, VeilsegError
from veilseg.install import install_hint


class Engine(Protocol):
    """A loaded network. `run` maps raw pixel values float32 [N, 3, H, W] to logits float32 [N, K, H, W].

    `fixed_size` is the only (height, width) the network takes, or None when it takes any size on its grid.
    """

    @property
    def name(self) -> str: ...

    @property
    def fixed_size(self) -> tuple[int, int] | None: ...

    def run(self, images: np.ndarray) -> np.ndarray: ...


class OnnxEngine:
    """A model.onnx in ONNX Runtime, on the CPU or on a GPU of NVIDIA."""

    name = "onnx"

    def __init__(self, path: Path, threads: int | None = None, device: str = "cpu") -> None:
        """Loads `path` on `device` ("cpu" or "cuda"); `threads` (default: one per core) work on one image.

        Raises InvalidModelError when it cannot run, UsageError for a device that is not there.
        """
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise InvalidModelError("running a model needs ONNX Runtime", install_hint("run")) from error
        providers = ["CPUExecutionProvider"]
        if _is_cuda(device):
            if "CUDAExecutionProvider" not in ort.get_available_providers():
                raise UsageError("this ONNX Runtime finds no GPU", "install onnxruntime-gpu, or use the device cpu")
            providers.insert(0, "CUDAExecutionProvider")
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = _positive(threads)
        try:
            # From the path, not from bytes: the tensors of an encryptable stem lie beside it in their own file.
            self._session: Any = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # ONNX Runtime raises a family of its own
            raise InvalidModelError(
                f"{path} cannot be loaded by ONNX Runtime", hint="export the model again"
            ) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        ends = [inputs[0], outputs[0]] if len(inputs) == 1 and outputs else []
        if not ends or any(len(end.shape) != 4 or not _is_float(end.type) for end in ends):
            raise InvalidModelError(f"{path} does not map float images [N, 3, H, W] to logits [N, K, H, W]")
        self._input, self._output = inputs[0].name, outputs[0].name
        height, width = inputs[0].shape[2:]
        fixed = isinstance(height, int) and isinstance(width, int)
        self.fixed_size: tuple[int, int] | None = (height, width) if fixed else None

    def run(self, images: np.ndarray) -> np.ndarray:
        """Logits float32 [N, K, H, W] of raw pixel values float32 [N, 3, H, W].

        Raises InvalidModelError for a size that the network does not take, VeilsegError for all other failures, of
        which a lack of memory is the most likely: ONNX Runtime has no type of its own for it.
        """
        from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

        size = f"{images.shape[3]}x{images.shape[2]}"
        try:
            result = self._session.run([self._output], {self._input: images})[0]
        except InvalidArgument as error:
            raise InvalidModelError(f"the model does not take images of {size}") from error
        except Exception as error:
            hint = "if memory is short: smaller images, or windows (`veilseg segment --window 512`)"
            raise VeilsegError(f"the model failed on images of {size} ({type(error).__name__})", hint) from error
        return np.asarray(result, np.float32)


class TorchEngine:
    """A torch module in evaluation mode, on the device where it is."""

    name = "torch"
    fixed_size: tuple[int, int] | None = None

    def __init__(self, model: Any, threads: int | None = None) -> None:
        """Wraps `model` (images float [N, 3, H, W] -> logits float [N, K, H, W]); `threads` hold while it runs."""
        self._model = model.eval()
        self._threads = None if threads is None else _positive(threads)

    def run(self, images: np.ndarray) -> np.ndarray:
        """Logits float32 [N, K, H, W] of raw pixel values float32 [N, 3, H, W]."""
        import torch

        parameter = next(self._model.parameters(), None)
        device = "cpu" if parameter is None else parameter.device
        before = torch.get_num_threads()
        try:
            if self._threads is not None:
                torch.set_num_threads(self._threads)
            with torch.inference_mode():
                logits = self._model(torch.from_numpy(images).to(device))
        finally:
            torch.set_num_threads(before)
        return np.asarray(logits.float().cpu().numpy(), np.float32)


def on_device(model: Any, device: str) -> Any:
    """A torch module moved to `device` ("cpu" or "cuda"). Raises UsageError for a device that is not there."""
    if not _is_cuda(device):
        return model
    import torch

    if not torch.cuda.is_available():
        raise UsageError("torch finds no GPU", "use the device cpu")
    return model.to("cuda")


def is_torch_module(model: object) -> bool:
    """Whether `model` is a torch.nn.Module; answers without importing torch (no torch, no module)."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _is_cuda(device: str) -> bool:
    if device not in ("cpu", "cuda"):
        raise UsageError(f"there is no device {device!r}", "cpu or cuda")
    return device == "cuda"


def _is_float(kind: str) -> bool:
    return kind in ("tensor(float)", "tensor(float16)", "tensor(double)")


def _positive(threads: int) -> int:
    if threads < 1:
        raise UsageError(f"a model runs on 1 or more threads, not {threads}")
    return threads
