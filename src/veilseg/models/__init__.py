"""Segmentation networks in torch: making, loading, saving, encrypting and exporting them.

Names are imported when they are first used: `veilseg.models.encryption.onnx_stem` does without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veilseg.models.base import SegmentationModel, save_model
    from veilseg.models.create import create_model
    from veilseg.models.encryption.encrypt import encrypt_model, rekey_model
    from veilseg.models.encryption.hf_network import as_segmentation
    from veilseg.models.encryption.processor import client_images
    from veilseg.models.encryption.verify import verify_encryption, verify_rekeying
    from veilseg.models.encryption.with_matrix import decrypt_with_matrix, encrypt_with_matrix
    from veilseg.models.load import load_model
    from veilseg.models.onnx.export import export_onnx

_PUBLIC = {
    "SegmentationModel": "veilseg.models.base",
    "as_segmentation": "veilseg.models.encryption.hf_network",
    "client_images": "veilseg.models.encryption.processor",
    "create_model": "veilseg.models.create",
    "decrypt_with_matrix": "veilseg.models.encryption.with_matrix",
    "encrypt_model": "veilseg.models.encryption.encrypt",
    "encrypt_with_matrix": "veilseg.models.encryption.with_matrix",
    "export_onnx": "veilseg.models.onnx.export",
    "load_model": "veilseg.models.load",
    "rekey_model": "veilseg.models.encryption.encrypt",
    "save_model": "veilseg.models.base",
    "verify_encryption": "veilseg.models.encryption.verify",
    "verify_rekeying": "veilseg.models.encryption.verify",
}

__all__ = [
    "SegmentationModel",
    "as_segmentation",
    "client_images",
    "create_model",
    "decrypt_with_matrix",
    "encrypt_model",
    "encrypt_with_matrix",
    "export_onnx",
    "load_model",
    "rekey_model",
    "save_model",
    "verify_encryption",
    "verify_rekeying",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'veilseg.models' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value
