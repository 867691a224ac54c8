"""Draw docs/demo.png with the shipped model: photograph, what the cloud sees, the map computed from it.

python tools/readme_picture.py [SEED]; the photograph is a generated scene (none of CamVid's may be in the repository).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import veilseg
from veilseg.ciphers import client_cipher
from veilseg.data.scenes import generate_scene
from veilseg.runtime.labels import overlay

SEED = 9_000_000_000  # a scene of the demo's, which no model was trained on


def draw(seed: int) -> None:
    """Write the picture for one scene."""
    segmenter = veilseg.Segmenter("default")
    scene = generate_scene(seed)
    encrypted = client_cipher(segmenter.config.input).encrypt(scene.image)
    height, width = scene.label.shape
    seen = np.asarray(encrypted)[:height, :width]
    labels = segmenter.segment(encrypted)
    gap = np.full((height, 8, 3), 255, np.uint8)
    panels = [scene.image, gap, seen, gap, overlay(scene.image, labels, segmenter.palette, 0.7)]
    target = Path(__file__).parents[1] / "docs" / "demo.png"
    Image.fromarray(np.concatenate(panels, axis=1)).save(target, optimize=True)


if __name__ == "__main__":
    draw(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
