"""From what a person calls a model to a SegmentationModel: a shipped name, a folder, a Hub id."""

from __future__ import annotations

from pathlib import Path

from veilseg.modelfolder import find_folder, open_folder
from veilseg.models.base import SegmentationModel, read_model
from veilseg.models.encryption.hf_network import load_segmentation
from veilseg.models.encryption.timm_network import load_classifier

_READERS = {"veilseg": read_model, "transformers": load_segmentation, "timm": load_classifier}


def load_model(source: str | Path = "default") -> SegmentationModel:
    """The model in a folder, a shipped one by its name, or one on the Hugging Face Hub ("owner/name"), in eval mode.

    A folder of transformers' gives its segmentation network, one of timm's the map of its classifier (see
    `veilseg.models.encryption.hf_network` and `timm_network`). Raises
    InvalidModelError when there is none, when config or weights are damaged, or when they do not belong together.
    """
    folder = find_folder(source)
    return _READERS[open_folder(folder).library](folder)
