"""Datasets: CamVid, plain folders and generated street scenes behind one protocol; their check. No torch."""

from veilseg.data.base import IGNORED, Sample, SegmentationData
from veilseg.data.camvid import CAMVID_CLASSES, CAMVID_PALETTE
from veilseg.data.check import DataReport, check_data
from veilseg.data.registry import open_data

__all__ = [
    "CAMVID_CLASSES",
    "CAMVID_PALETTE",
    "IGNORED",
    "DataReport",
    "Sample",
    "SegmentationData",
    "check_data",
    "open_data",
]
