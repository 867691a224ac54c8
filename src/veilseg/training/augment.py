"""Augmentation of plain samples: all before encryption, after which nothing may touch geometry or values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from veilseg.data.base import IGNORED
from veilseg.training.recipe import AugmentSection

Pixels = NDArray[np.uint8]


def augment(image: Pixels, label: Pixels, section: AugmentSection, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A random crop of a random scale, perhaps flipped, with other light.

    image: uint8 [H, W, 3]; label: uint8 [H, W], 255 = ignored. Returns both at the size of `section.crop`; what lies
    outside of the image is filled by repeating its border and labelled 255.
    """
    image, label = _scaled_crop(image, label, section, rng)
    if section.flip and rng.random() < 0.5:
        image, label = image[:, ::-1], label[:, ::-1]
    if section.photometric:
        image = _photometric(image, section.photometric, rng)
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def _scaled_crop(
    image: Pixels, label: Pixels, section: AugmentSection, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    height, width = label.shape
    crop_height, crop_width = section.crop
    low, high = section.scale
    scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    stretch = float(np.exp(rng.uniform(-0.1, 0.1)))  # objects are not all of one aspect
    box_height, box_width = crop_height / scale, crop_width / scale * stretch
    top = _position(box_height, height, rng)
    left = _position(box_width, width, rng)
    pad = int(np.ceil(max(-top, -left, top + box_height - height, left + box_width - width, 0)))
    if pad:
        image = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
        label = np.pad(label, pad, constant_values=IGNORED)
    box = (left + pad, top + pad, left + pad + box_width, top + pad + box_height)
    size = (crop_width, crop_height)
    # Pillow's filters widen with the reduction, so shrinking does not alias.
    pixels = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, box=box)
    ids = Image.fromarray(label).resize(size, Image.Resampling.NEAREST, box=box)
    return np.asarray(pixels), np.asarray(ids)


def _position(box: float, side: int, rng: np.random.Generator) -> float:
    slack = side - box
    return float(rng.uniform(0, slack)) if slack > 0 else slack / 2


def _photometric(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Exposure, contrast, gamma, white balance by one table per channel; sometimes saturation, blur, noise."""
    levels = np.linspace(0, 1, 256)
    gamma = np.exp(rng.uniform(-0.4, 0.4) * strength)
    contrast = np.exp(rng.uniform(-0.35, 0.35) * strength)
    shift = rng.uniform(-0.12, 0.12) * strength
    balance = np.exp(rng.uniform(-0.15, 0.15, 3) * strength)
    curves = (levels[:, None] ** gamma - 0.5) * contrast * balance + 0.5 + shift
    table = (np.clip(curves, 0, 1) * 255).round().astype(np.uint8)
    image = np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)
    if rng.random() < 0.5:
        grey = image.mean(axis=2, keepdims=True, dtype=np.float32)
        mix = np.float32(np.exp(rng.uniform(-0.6, 0.4) * strength))
        image = np.clip(grey + (image - grey) * mix, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        radius = rng.uniform(0.3, 1.2) * strength
        image = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))
    if rng.random() < 0.2:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(2, 8) * strength)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image
