"""A model.onnx run as it is, to compare it with what it was made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from veilseg.errors import InvalidModelError


def open_onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """From what the network reads, float32 [N, 3, H, W], to logits float32 [N, K, H, W], on the CPU.

    Both steps raise InvalidModelError for a model that does not run in ONNX Runtime.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base class
        raise _does_not_run(error) from error

    def run(images: np.ndarray) -> np.ndarray:
        try:
            logits: np.ndarray = session.run(["logits"], {"images": images})[0]
        except Exception as error:
            raise _does_not_run(error) from error
        return logits

    return run


def _does_not_run(error: Exception) -> InvalidModelError:
    return InvalidModelError(f"the exported model does not run in ONNX Runtime: {type(error).__name__}")
