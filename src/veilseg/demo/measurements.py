"""What the demo measures: plain, independent keys, sorted, one key (right, wrong, none), on generated street scenes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from veilseg import ciphers
from veilseg.ciphers import Cipher, Plain, client_cipher, own_cipher
from veilseg.data.base import Sample
from veilseg.data.scenes.dataset import SceneData
from veilseg.errors import UsageError
from veilseg.evaluation.evaluate import Result, evaluate
from veilseg.keys import Key
from veilseg.models.encryption.onnx_stem import encrypt_onnx
from veilseg.runtime import Segmenter

DEMO_SCENES = 12
DEMO_SEED = 9
"""The seed of the demo's scenes (as in scenes:12:9): no model is trained on it, so all of them are unseen."""
DEMO_BLOCK = 16


@dataclass(frozen=True)
class Row:
    """One line of the demo's table, and the label maps (uint8 [H, W]) behind it, in the order of the scenes."""

    name: str
    group: str
    result: Result
    maps: list[np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Demo:
    """All that the table and the page show. `rows` by short name: plain, independent, sorted, correct, wrong, none."""

    scenes: list[Sample]
    rows: dict[str, Row]
    seed: int
    sub_block: int
    classes: tuple[str, ...]
    palette: np.ndarray

    def agreement(self, first: str, second: str) -> float:
        """The fraction (0..1) of pixels where two rows give the same class."""
        pairs = zip(self.rows[first].maps, self.rows[second].maps, strict=True)
        return float(np.mean([np.mean(a == b) for a, b in pairs]))


class DrawnScenes(SceneData):
    """Scenes that are drawn once for all rows."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__(count, seed)
        self.scenes = [super(DrawnScenes, self).__getitem__(index) for index in range(count)]

    def __getitem__(self, index: int) -> Sample:
        return self.scenes[index]


def run_demo(
    scenes: int = DEMO_SCENES,
    seed: int = DEMO_SEED,
    *,
    default: str | Path = "default",
    plain: str | Path = "plain",
    progress: Callable[[str], None] = lambda message: None,
) -> Demo:
    """Measure every row on the street scenes scenes:`scenes`:`seed`; keys come fresh from the operating system.

    `default` is the key-invariant model, `plain` the same network trained on plain images; `progress` is called with
    what happens now. Raises UsageError for fewer than one scene, InvalidModelError when a model is missing.
    """
    if scenes < 1:
        raise UsageError(f"the demo needs at least one scene, not {scenes}")
    invariant, plain_model = Segmenter(default), Segmenter(plain)
    spec = invariant.config.input
    independent = client_cipher(spec)
    if spec.encryption is None or spec.encryption.facts.mechanism != "sort" or plain_model.config.input.encryption:
        raise UsageError("the demo compares a key-invariant model with a plain one")
    progress(f"drawing {scenes} street scenes")
    data = DrawnScenes(scenes, seed)
    rows: dict[str, Row] = {}

    def measure(
        short: str,
        name: str,
        model: Segmenter,
        cipher: Cipher | Plain,
        key: Key | None = None,
        *,
        check: bool = True,
    ) -> None:
        progress(f"{group}: {name}")
        maps: list[np.ndarray] = []
        result = evaluate(model, data, cipher, key, progress=False, check=check, on_labels=maps.append)
        rows[short] = Row(name, group, result, maps)

    group = "no encryption"
    measure("plain", "plain image, plain model", plain_model, "plain")
    group = "independent keys"
    measure("independent", "new keys for every image, thrown away", invariant, independent)
    measure("sorted", "sorted: no key exists", invariant, own_cipher(spec))
    group = "one key for model and images"
    permute = ciphers.cipher("patch-permutation", block=DEMO_BLOCK)
    key, other = Key.generate(), Key.generate()
    with tempfile.TemporaryDirectory(prefix="veilseg-demo-") as folder:
        encrypt_onnx(plain, key, Path(folder) / "encrypted", block=DEMO_BLOCK)
        encrypted = Segmenter(Path(folder) / "encrypted")
        measure("correct", "correct key", encrypted, permute, key)
        measure("wrong", "wrong key", encrypted, permute, other, check=False)
        measure("none", "image not encrypted", encrypted, "plain", check=False)
    return Demo(data.scenes, rows, seed, spec.encryption.cell, invariant.classes, invariant.palette)
