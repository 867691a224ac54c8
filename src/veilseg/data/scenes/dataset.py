"""Generated scenes as a dataset: "scenes:COUNT" or "scenes:COUNT:SEED"."""

from __future__ import annotations

import numpy as np

from veilseg.data.base import Sample
from veilseg.data.camvid import CAMVID_CLASSES, CAMVID_PALETTE
from veilseg.data.scenes.scene import generate_scene
from veilseg.errors import UsageError

STRIDE = 1_000_000_000
"""Seeds of datasets are this far apart, so that two of them never share a scene."""


class SceneData:
    """`count` scenes; scene i of dataset `seed` is always the same, whatever the count."""

    def __init__(self, count: int, seed: int = 0, size: tuple[int, int] = (360, 480)) -> None:
        if not 1 <= count <= STRIDE or seed < 0:
            raise UsageError(
                f"cannot generate {count} scenes from seed {seed}", hint="use scenes:COUNT or scenes:COUNT:SEED"
            )
        self.count, self.seed, self.size = count, seed, size
        self.name = f"scenes:{count}:{seed}"
        self.classes: tuple[str, ...] = CAMVID_CLASSES
        self.palette: np.ndarray = CAMVID_PALETTE

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        """Scene `index` with its number plates; negative indices count from the end."""
        if not -self.count <= index < self.count:
            raise IndexError(f"scene {index} of {self.count}")
        scene = generate_scene(self.seed * STRIDE + index % self.count, self.size)
        return Sample(f"scene-{self.seed}-{index % self.count:06d}", scene.image, scene.label, scene.plates)


def open_scenes(where: str, split: str | None = None) -> SceneData:
    """The scenes that "COUNT" or "COUNT:SEED" names; `split` has no meaning here and is ignored."""
    count, colon, seed = where.partition(":")
    if not (count.isdecimal() and (seed.isdecimal() or not colon)):
        raise UsageError(
            f"'scenes:{where}' does not say how many scenes, and which", hint="use scenes:COUNT or scenes:COUNT:SEED"
        )
    return SceneData(int(count), int(seed or "0"))
