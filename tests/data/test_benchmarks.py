"""Cityscapes and ADE20K: folders and zips give the same pairs, with the official class numbers."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilseg.data import open_data
from veilseg.data.ade20k import ADE20K_CLASSES
from veilseg.data.cityscapes import CITYSCAPES_CLASSES, CITYSCAPES_PALETTE, label_ids
from veilseg.errors import InvalidDataError

RNG = np.random.default_rng(3)


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def zipped(root: Path, folder: str, archive: str) -> None:
    """The folder `root`/`folder` becomes the zip `root`/`archive`."""
    with zipfile.ZipFile(root / archive, "w") as file:
        file.writestr("license.txt", "terms")
        for path in sorted((root / folder).rglob("*")):
            file.write(path, path.relative_to(root))
    shutil.rmtree(root / folder)


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    for split, city, frames in (("train", "aachen", 2), ("val", "ulm", 3), ("val", "bonn", 1)):
        for frame in range(frames):
            name = f"{city}/{city}_000000_00000{frame}"
            image = RNG.integers(0, 256, (16, 32, 3), np.uint8)
            write(tmp_path / f"leftImg8bit/{split}/{name}_leftImg8bit.png", image)
            labels = RNG.permutation(np.arange(512) % 34).reshape(16, 32).astype(np.uint8)
            write(tmp_path / f"gtFine/{split}/{name}_gtFine_labelIds.png", labels)
            write(tmp_path / f"gtFine/{split}/{name}_gtFine_color.png", image)
    return tmp_path


def test_cityscapes_numbers_are_the_official_ones() -> None:
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    official = {label.trainId: label for label in labels if 0 <= label.trainId < 19}
    assert [official[index].name for index in range(19)] == list(CITYSCAPES_CLASSES)
    assert [official[index].color for index in range(19)] == [tuple(row) for row in CITYSCAPES_PALETTE.tolist()]
    ids = label_ids(np.arange(19, dtype=np.uint8).reshape(1, 19), CITYSCAPES_CLASSES)
    assert ids.tolist() == [[official[index].id for index in range(19)]]


@pytest.mark.parametrize("archived", [(), ("leftImg8bit",), ("gtFine", "leftImg8bit")])
def test_cityscapes_in_folders_and_zips(archived: tuple[str, ...], cityscapes: Path) -> None:
    wanted = [*open_data(f"cityscapes:{cityscapes}")]  # type: ignore[misc]
    for folder in archived:
        zipped(cityscapes, folder, f"{folder}_trainvaltest.zip")
    data = open_data(f"cityscapes:{cityscapes}")
    assert (data.name, len(data), len(open_data(f"cityscapes:{cityscapes}", "train"))) == ("cityscapes/val", 4, 2)
    again = pickle.loads(pickle.dumps(data))  # what a loader's process gets
    for index, sample in enumerate(wanted):
        for got in (data[index], again[index]):
            assert got.name == sample.name
            assert np.array_equal(got.image, sample.image)
            assert np.array_equal(got.label, sample.label)
    assert wanted[0].name == "bonn_000000_000000"
    assert set(np.unique(wanted[0].label)) == {*range(19), 255}


def test_cityscapes_that_lacks_something(cityscapes: Path) -> None:
    with pytest.raises(InvalidDataError, match="no split"):
        open_data(f"cityscapes:{cityscapes}", "validation")
    next((cityscapes / "gtFine/val/ulm").glob("*labelIds*")).unlink()
    with pytest.raises(InvalidDataError, match="a photograph without a label: leftImg8bit/val/ulm/"):
        open_data(f"cityscapes:{cityscapes}")
    shutil.rmtree(cityscapes / "gtFine")
    with pytest.raises(InvalidDataError, match="neither gtFine/ nor"):
        open_data(f"cityscapes:{cityscapes}")
    (cityscapes / "gtFine_trainvaltest.zip").write_bytes(b"PK no zip")
    with pytest.raises(InvalidDataError, match="no zip"):
        open_data(f"cityscapes:{cityscapes}")


@pytest.mark.parametrize("archived", [False, True])
def test_ade20k_labels_shift_down(archived: bool, tmp_path: Path) -> None:
    root = tmp_path / "ADEChallengeData2016"
    labels = np.array([[0, 1, 2], [149, 150, 255]], np.uint8).repeat(8, 0).repeat(8, 1)
    for split, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        write(root / "images" / split / f"{name}.jpg", np.zeros((16, 24, 3), np.uint8))
        write(root / "annotations" / split / f"{name}.png", labels)
    if archived:
        zipped(tmp_path, root.name, f"{root.name}.zip")
    for where in (tmp_path,) if archived else (tmp_path, root):
        data = open_data(f"ade20k:{where}")
        assert len(data.classes) == len(set(data.classes)) == len(data.palette) == 150
        assert data[0].label[::8, ::8].tolist() == [[255, 0, 1], [148, 149, 255]]
    assert (ADE20K_CLASSES[0], ADE20K_CLASSES[-1]) == ("wall", "flag")
    with pytest.raises(InvalidDataError, match="no split"):
        open_data(f"ade20k:{tmp_path}", "test")
