"""What painters leave on the two sheets of the canvas."""

from __future__ import annotations

import random

import numpy as np
import pytest

from veilseg.data.scenes.camera import Camera
from veilseg.data.scenes.canvas import CAR, FENCE, POLE, TREE, Canvas, Plate
from veilseg.data.scenes.light import Light
from veilseg.data.scenes.plants import PlantPainter
from veilseg.data.scenes.textures import TILE, patch, tile


@pytest.mark.parametrize("height", [1.5, 4, 9])
def test_a_tree_is_labelled_tree_and_nothing_else(height: float) -> None:
    """Masks of labels must not be blended: half a tree is not another class."""
    for seed in range(6):
        rng = random.Random(seed)
        camera = Camera(rng, (180, 240), 2, 0.0)
        canvas = Canvas(camera.height, camera.width)
        canvas.label.paste(9, (0, 0, camera.width, camera.height))
        plants = PlantPainter(canvas, rng, camera, Light(rng))
        plants.tree(0.0, 18.0, height)
        plants.bush(2.0, 15.0, 2.0, 1.0)
        assert set(np.unique(np.asarray(canvas.label))) <= {9, TREE}
        assert (np.asarray(canvas.label) == TREE).any()


def test_canvas_paints_labels_only_where_asked() -> None:
    canvas = Canvas(40, 60)
    square = [(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]
    canvas.polygon(square, (200, 10, 10))
    assert not np.asarray(canvas.label).any()
    canvas.polygon(square, (10, 200, 10), CAR, alpha=128)
    image, label = canvas.finish()
    assert image.shape == (20, 30, 3)
    assert label[10, 10] == CAR
    assert 90 < image[10, 10, 0] < 120
    assert label[2, 2] == 0


def test_what_is_painted_over_a_plate_hides_it() -> None:
    canvas = Canvas(40, 60)
    canvas.plates.append(Plate("AB12 CDE", (10, 10, 30, 20)))
    canvas.line([(50, 0), (50, 40)], 2, (0, 0, 0), POLE)
    assert canvas.plates[0].visible
    canvas.polygon([(25, 15), (40, 15), (40, 35)], (0, 0, 0), FENCE)
    assert not canvas.plates[0].visible


def test_patches_of_texture_have_the_size_asked_for() -> None:
    for height, width in ((5, 7), (TILE, 3), (TILE + 9, 2 * TILE + 1)):
        assert patch(random.Random(0), tile("grain"), height, width).shape == (height, width)


def test_textures_are_centred() -> None:
    for kind in ("grain", "rough", "cloud"):
        assert abs(float(tile(kind).mean())) < 12
        assert 15 < float(tile(kind).std()) < 100
