"""veilseg: semantic segmentation on visually encrypted images."""

__version__ = "0.1.0"
