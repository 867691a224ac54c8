"""Segmentation networks in torch: making, loading, saving, encrypting and exporting them.

Names are imported when they are first used: `veilseg.models.encryption.onnx_stem` does without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veilseg.models.base import SegmentationModel
    from veilseg.models.encryption.encrypt import encrypt_model, rekey_model
    from veilseg.models.encryption.processor import client_images
    from veilseg.models.onnx.export import export_onnx
    from veilseg.models.registry import create_model
    from veilseg.models.store import load_model, push_to_hub, save_model

_PUBLIC = {
    "SegmentationModel": "veilseg.models.base",
    "client_images": "veilseg.models.encryption.processor",
    "create_model": "veilseg.models.registry",
    "encrypt_model": "veilseg.models.encryption.encrypt",
    "export_onnx": "veilseg.models.onnx.export",
    "load_model": "veilseg.models.store",
    "push_to_hub": "veilseg.models.store",
    "rekey_model": "veilseg.models.encryption.encrypt",
    "save_model": "veilseg.models.store",
}

__all__ = [
    "SegmentationModel",
    "client_images",
    "create_model",
    "encrypt_model",
    "export_onnx",
    "load_model",
    "push_to_hub",
    "rekey_model",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'veilseg.models' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value
