"""Make the pictures of the site from a generated scene that no model was trained on: python tools/site_pictures.py.

docs/site/scene-S.png is what is sent with cells of S pixels and docs/site/map-S.jpg the map that the shipped model for
it computes; scene-plain and map-plain belong to the plain image, permutation to one key for model and images.
cells.png shows one corner of the picture enlarged: photograph, shuffled, sorted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from readme_picture import SEED

import veilseg
from veilseg import EncryptedImage, Key
from veilseg.data.base import Sample
from veilseg.data.scenes import generate_scene
from veilseg.demo.pictures import street_box
from veilseg.runtime.labels import overlay

FOLDER = Path(__file__).parents[1] / "docs" / "site"
#: The shipped model for cells of so many pixels; a size without one has no map.
MODELS = {4: "sort4", 8: "sort8", 12: "default", 16: None}
ENLARGED, GAP = 6, 8


def encrypt(scene: Sample, cipher: str, sub_block: int | None = None, key: Key | None = None) -> EncryptedImage:
    """A scene as it is sent."""
    return veilseg.cipher(cipher, sub_block=sub_block).encrypt(scene.image, key)


def shown(scene: Sample, encrypted: EncryptedImage) -> np.ndarray:
    """The pixels of an encrypted scene without the padding, uint8 [H, W, 3]."""
    height, width = scene.label.shape
    return np.asarray(encrypted)[:height, :width]


def mapped(scene: Sample, model: str, image: np.ndarray | EncryptedImage) -> np.ndarray:
    """A shipped model's map of an image of the scene, over the photograph, uint8 [H, W, 3]."""
    segmenter = veilseg.Segmenter(model)
    return overlay(scene.image, segmenter.segment(image), segmenter.palette, 0.7)


def cells(scene: Sample) -> np.ndarray:
    """A corner of the scene: photograph, shuffled, sorted; enlarged, side by side, uint8 [H, W, 3]."""
    x0, y0, x1, y1 = street_box(scene, 72, 48)
    x0, y0, x1, y1 = (side // 12 * 12 for side in (x0, y0, x1, y1))
    gap = np.full(((y1 - y0) * ENLARGED, GAP, 3), 255, np.uint8)
    ciphers = ("subblock-shuffle", "subblock-sort")
    panels = [scene.image, *(shown(scene, encrypt(scene, cipher, 12)) for cipher in ciphers)]
    large = [panel[y0:y1, x0:x1].repeat(ENLARGED, 0).repeat(ENLARGED, 1) for panel in panels]
    return np.concatenate([large[0], gap, large[1], gap, large[2]], axis=1)


def main() -> None:
    """Write all pictures."""
    scene = generate_scene(SEED)
    made = {"scene-plain": scene.image, "map-plain": mapped(scene, "plain", scene.image), "cells": cells(scene)}
    made["permutation"] = shown(scene, encrypt(scene, "patch-permutation", key=Key.generate()))
    for side, model in MODELS.items():
        encrypted = encrypt(scene, "subblock-sort", side)
        made[f"scene-{side}"] = shown(scene, encrypted)
        if model is not None:
            made[f"map-{side}"] = mapped(scene, model, encrypted)
    for name, pixels in made.items():
        if name.startswith(("scene-", "cells")):
            Image.fromarray(pixels).save(FOLDER / f"{name}.png", optimize=True)
        else:
            Image.fromarray(pixels).save(FOLDER / f"{name}.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main()
