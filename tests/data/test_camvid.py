"""CamVid: the layout on disk, the splits, the void label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import Write
from veilseg.data import CAMVID_CLASSES, CAMVID_PALETTE, SegmentationData, check_data, open_data
from veilseg.errors import InvalidDataError


def test_void_is_ignored_and_other_ids_stay(write_pair: Write) -> None:
    ids = np.arange(48, dtype=np.uint8).reshape(6, 8) % 12
    root = write_pair("val", "valannot", "a", ids)
    sample = open_data(f"camvid:{root}")[0]
    assert (sample.label[ids == 11] == 255).all()
    assert (sample.label[ids != 11] == ids[ids != 11]).all()
    assert sample.name == "a"
    assert sample.image.shape == (6, 8, 3)
    assert sample.image.flags.writeable


def test_split_is_val_unless_named(write_pair: Write) -> None:
    write_pair("train", "trainannot", "t")
    root = write_pair("val", "valannot", "v")
    assert [open_data(f"camvid:{root}")[0].name, open_data(f"camvid:{root}", "train")[0].name] == ["v", "t"]


def test_missing_split_names_those_found(write_pair: Write) -> None:
    root = write_pair("train", "trainannot", "t")
    with pytest.raises(InvalidDataError, match="no split 'test'") as error:
        open_data(f"camvid:{root}", "test")
    assert error.value.hint == "found: train"


def test_missing_folder_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="no folder") as error:
        open_data(f"camvid:{tmp_path / 'nowhere'}")
    assert "DIR/val/ and DIR/valannot/" in (error.value.hint or "")
    with pytest.raises(InvalidDataError, match="no split 'val'") as error:
        open_data(f"camvid:{tmp_path}")
    assert "DIR/val/ and DIR/valannot/" in (error.value.hint or "")


def test_real_camvid(camvid: Path) -> None:
    data = open_data(f"camvid:{camvid}")
    assert isinstance(data, SegmentationData)
    assert len(data) == 101
    assert data.classes == CAMVID_CLASSES
    assert data.palette is CAMVID_PALETTE
    assert len(open_data(f"camvid:{camvid}", "train")) == 367
    assert check_data(data, limit=10).faults == []
    sample = data[-1]
    assert sample.image.shape == (360, 480, 3)
    assert sample.image.dtype == sample.label.dtype == np.uint8
    assert set(np.unique(sample.label)) <= {*range(11), 255}
