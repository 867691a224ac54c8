"""The size that a model's image processor asks for is the working size: for Segmenter, for the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.models.folders import photo, processor, saved
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.images import to_png
from veilseg.keys import Key
from veilseg.models import load_model
from veilseg.models.encryption.hf_network import as_segmentation
from veilseg.models.encryption.processor import client_image
from veilseg.runtime import Segmenter


@torch.no_grad()
def by_the_library(name: str, image: np.ndarray) -> np.ndarray:
    """The plain model's map as transformers' own pipeline makes it: prepared, segmented, scores enlarged."""
    scores = saved(name)(**processor(name)(images=image, return_tensors="pt")).logits
    return np.asarray(F.interpolate(scores, size=image.shape[:2], mode="bilinear").argmax(1)[0])


@pytest.mark.parametrize("name", ["beit", "upernet-swin", "dpt"])
def test_maps_agree_with_the_librarys_own(name: str, keys: list[Key]) -> None:
    image = photo(150, 250)
    wanted = by_the_library(name, image)
    assert np.mean(Segmenter("source").segment(image) == wanted) > 0.995
    Path("photo.png").write_bytes(to_png(image))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    assert main(["encrypt", "photo.png", "-o", "a.png", "--model", "encrypted", "--key", "my.key"]) == 0
    assert main(["segment", "a.png", "-o", "map.png", "--model", "encrypted", "--photo", "photo.png"]) == 0
    with Image.open("map.png") as labels:
        assert np.mean(np.asarray(labels) == wanted) > 0.995


def test_services_say_the_processors_longer_side(keys: list[Key]) -> None:
    saved("dpt")
    size = processor("dpt").size
    assert load_model("source").config.longer_side == max(size["height"], size["width"])


@pytest.mark.parametrize(
    ("size", "longest"),
    [
        ({"shortest_edge": 512}, 682),
        ({"shortest_edge": 640, "longest_edge": 2560}, 853),
        ({"shortest_edge": 640, "longest_edge": 700}, 700),
        ({"height": 448, "width": 512}, 512),
        ({}, 0),
    ],
)
def test_longer_sides_of_processors(size: dict[str, int], longest: int, keys: list[Key]) -> None:
    made = processor("dpt")
    made.size = size
    assert as_segmentation(saved("dpt"), made).config.longer_side == longest


def test_processors_that_change_the_shape_are_named(keys: list[Key]) -> None:
    import transformers as t

    padded = t.EomtImageProcessor(size={"shortest_edge": 64, "longest_edge": 64}, do_split_image=False, do_pad=True)
    with pytest.raises(InvalidModelError, match="pads a photograph of 140 x 60"):
        client_image(padded, photo(60, 140))
    cropped = t.BeitImageProcessor(do_center_crop=True, crop_size={"height": 48, "width": 48})
    with pytest.raises(InvalidModelError, match="crops a photograph of 140 x 60"):
        client_image(cropped, photo(60, 140))
