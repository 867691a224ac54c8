"""What the cloud runs: one Segmenter over ONNX Runtime or torch, label maps, and the shipped models."""

from veilseg.modelconfig import shipped_models
from veilseg.modelfolder import find_model
from veilseg.runtime.labels import colorize, encode_label_png, overlay
from veilseg.runtime.segmenter import Segmenter

__all__ = [
    "Segmenter",
    "colorize",
    "encode_label_png",
    "find_model",
    "overlay",
    "shipped_models",
]
