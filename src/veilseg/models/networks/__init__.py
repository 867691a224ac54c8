"""Segmentation networks: raw pixels in, class scores out."""
