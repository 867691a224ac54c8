"""Metrics, the papers' protocols, reports. NumPy only; models run through the runtime."""

from veilseg.evaluation.evaluate import Result, evaluate
from veilseg.evaluation.metrics import ConfusionMatrix

__all__ = ["ConfusionMatrix", "Result", "evaluate"]
