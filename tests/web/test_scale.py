"""The page's working size in Node against Python's: the same bits of photographs, the same label maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.node import run_node
from veilseg.data.scenes import generate_scene
from veilseg.scale import ORIGINAL, enlarge_labels, reduce_photograph

#: (height, width, longer side) of photographs: even and odd factors, hardly any, one pixel, nothing to do.
SIZES = (
    *((60, 80, 16), (61, 83, 17), (83, 61, 60), (7, 500, 480), (500, 1, 3), (9, 9, 1), (2, 3, 2)),
    *((30, 40, 40), (30, 40, 480), (30, 41, ORIGINAL), (3000, 4000, 480)),
)
#: (height, width) of label maps, and of what they are enlarged to.
MAPS = (
    ((48, 64), (400, 533)),
    ((45, 61), (45, 61)),
    ((31, 33), (93, 99)),
    ((1, 7), (10, 70)),
    ((360, 480), (3000, 4000)),
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder with what Node wrote, the inputs by name, and the seconds each took."""
    folder, rng = tmp_path_factory.mktemp("scale"), np.random.default_rng(0)
    inputs: dict[str, np.ndarray] = {}
    cases = []
    for height, width, longer in SIZES:
        name = f"photograph {height} {width} {longer}"
        inputs[name] = rng.integers(0, 256, (height, width, 3), np.uint8)
        opaque = np.dstack([inputs[name], np.full((height, width), 255, np.uint8)])
        (folder / f"{name}.bin").write_bytes(opaque.tobytes())
        cases.append({"name": name, "kind": "photograph", "height": height, "width": width, "longer_side": longer})
    for (height, width), to in MAPS:
        name = f"labels {height} {width} {to[0]} {to[1]}"
        inputs[name] = generate_scene(5, size=(height, width)).label if height > 100 else _spots(height, width, rng)
        (folder / f"{name}.bin").write_bytes(inputs[name].tobytes())
        cases.append({"name": name, "kind": "labels", "height": height, "width": width, "to": to})
    (folder / "cases.json").write_text(json.dumps(cases))
    return folder, {"inputs": inputs, "seconds": run_node("scale.mjs", folder)}


def _spots(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Patches of three by three pixels, of four classes."""
    coarse = rng.choice(np.array([0, 3, 7, 200], np.uint8), (-(-height // 3), -(-width // 3)))
    return coarse.repeat(3, axis=0).repeat(3, axis=1)[:height, :width].copy()


@pytest.mark.parametrize(("height", "width", "longer"), SIZES)
def test_photographs_become_the_same_bits(done: tuple[Path, Any], height: int, width: int, longer: int) -> None:
    name = f"photograph {height} {width} {longer}"
    expected = reduce_photograph(done[1]["inputs"][name], longer)
    assert (done[0] / f"{name}.out").read_bytes() == expected.tobytes()


def test_every_value_becomes_the_same_light(tmp_path: Path) -> None:
    """Two neighbours of all 256 x 256 pairs, one pixel of each pair."""
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).reshape(1, -1).astype(np.uint8)
    photo = pairs[:, :, None].repeat(3, axis=2).repeat(2, axis=0)
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    (tmp_path / "pairs.bin").write_bytes(rgba.tobytes())
    longer = photo.shape[1] // 2
    case = {"name": "pairs", "kind": "photograph", "height": 2, "width": photo.shape[1], "longer_side": longer}
    (tmp_path / "cases.json").write_text(json.dumps([case]))
    run_node("scale.mjs", tmp_path)
    assert (tmp_path / "pairs.out").read_bytes() == reduce_photograph(photo, longer).tobytes()


@pytest.mark.parametrize(("size", "to"), MAPS)
def test_label_maps_are_enlarged_alike(done: tuple[Path, Any], size: tuple[int, int], to: tuple[int, int]) -> None:
    """On 99.5 % of pixels: Pillow rounds after each of two passes, the page once."""
    name = f"labels {size[0]} {size[1]} {to[0]} {to[1]}"
    ours = np.frombuffer((done[0] / f"{name}.out").read_bytes(), np.uint8).reshape(to)
    theirs = enlarge_labels(done[1]["inputs"][name], *to)
    assert (ours == theirs).mean() >= 0.995


def test_twelve_megapixels_take_little_time(done: tuple[Path, Any]) -> None:
    seconds = done[1]["seconds"]
    assert seconds["photograph 3000 4000 480"] < 5
    assert seconds["labels 360 480 3000 4000"] < 5
