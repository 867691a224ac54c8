"""Segmentation networks in torch: making, loading, saving, encrypting and exporting them."""

from veilseg.models.base import SegmentationModel
from veilseg.models.encrypt import encrypt_model, rekey_model
from veilseg.models.export import export_onnx
from veilseg.models.prepare import CanonicalInput, MosaicInput, QuartilesInput
from veilseg.models.processor import client_images
from veilseg.models.registry import create_model
from veilseg.models.store import load_model, push_to_hub, save_model

__all__ = [
    "CanonicalInput",
    "MosaicInput",
    "QuartilesInput",
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
