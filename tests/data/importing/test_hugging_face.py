"""Hugging Face datasets: parquet as `datasets` writes it, folders of pictures with metadata, and broken ones."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from tests.data.importing.conftest import SIZE, Desk
from veilseg.errors import InvalidDataError, UsageError


def picture(value: int | None = None, size: tuple[int, int] = SIZE, kind: str = "PNG") -> bytes:
    """A mask full of `value`, or a photograph."""
    buffer = io.BytesIO()
    array = np.zeros((*size, 3), np.uint8) if value is None else np.full(size, value, np.uint8)
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def parquet(path: Path, rows: list[tuple[Any, Any]], columns: tuple[str, str] = ("image", "annotation")) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    arrays = [pa.array([row[index] for row in rows], kind) for index in (0, 1)]
    pyarrow.parquet.write_table(pa.table(dict(zip(columns, arrays, strict=True))), path, row_group_size=2)


def cell(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


def test_parquet_with_parts_and_names(desk: Desk) -> None:
    rows = [(cell(picture(kind="JPEG"), f"x/{name}.jpg"), cell(picture(value))) for value, name in enumerate("abc")]
    parquet(desk.root / "hub/data/train-00000-of-00001.parquet", rows)
    parquet(desk.root / "hub/data/validation-00000-of-00001.parquet", [(cell(picture()), cell(picture(255)))])
    desk.write("hub/id2label.json", {"0": "wall", "1": "floor", "2": "door"})
    made = desk.run("hugging-face:hub", images=None, choices={"reduce_zero": True})
    assert made.classes == ("floor", "door")
    assert made.written.parts == {"train": 3, "val": 1}
    firsts = {name: made.rows(name)[0][0] for name in made.labels}
    assert firsts == {
        "train_a": ".",
        "train_b": "0",
        "train_c": "1",
        "val_validation-00000-of-00001-000000": ".",
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_folders_of_pictures(desk: Desk, kind: str) -> None:
    rows = []
    for value, name in enumerate("ab"):
        desk.write(f"hub/train/{name}.jpg", picture(kind="JPEG"))
        desk.write(f"hub/train/masks/{name}.png", picture(value))
        rows.append({"file_name": f"{name}.jpg", "label_file_name": f"masks/{name}.png"})
    rows.append({"file_name": "a.jpg", "label_file_name": "../../secret.png"})
    desk.write("secret.png", picture(0))
    lines = {
        "csv": ["file_name,label_file_name", *(",".join(row.values()) for row in rows)],
        "jsonl": map(json.dumps, rows),
    }[kind]
    desk.write(f"hub/train/metadata.{kind}", "\n".join(lines))
    made = desk.run("hugging-face:hub", images=None, leave_out=True)
    assert made.classes == ("class 0", "class 1")
    assert {name: made.rows(name)[0][0] for name in made.labels} == {"train_a": "0", "train_b": "1"}
    assert made.faults == [f"metadata.{kind}, line 3: there is no file secret.png beside it"]


def test_cells_without_pictures_are_named(desk: Desk) -> None:
    rows = [
        (cell(picture(), "a.png"), cell(picture(0))),
        (cell(picture(), "b.png"), None),
        (cell(None, "c.png"), cell(picture(0))),
        (cell(picture(), "d.png"), cell(picture(0, (8, 11)))),
    ]
    parquet(desk.root / "hub/all.parquet", rows)
    assert desk.run("hugging-face:hub", images=None).faults == [
        "the mask of b.png: has no bytes in all.parquet, column annotation",
        "all-000002.jpg: has no bytes in all.parquet, column image",
        "the mask of d.png: is for 11x8 pixels, but its photograph has 12x8",
    ]


def test_datasets_that_are_none(desk: Desk) -> None:
    (desk.root / "hub").mkdir()
    with pytest.raises(UsageError, match="neither parquet files nor metadata"):
        desk.run("hugging-face:hub", images=None)
    with pytest.raises(UsageError, match="holds its photographs"):
        desk.run("hugging-face:hub")
    parquet(desk.root / "hub/all.parquet", [(cell(picture()), cell(picture(0)))], ("image", "caption"))
    with pytest.raises(InvalidDataError, match="no column of masks: it has image, caption"):
        desk.run("hugging-face:hub", images=None)
    desk.write("hub/all.parquet", b"PAR1")
    with pytest.raises(InvalidDataError, match="no parquet file"):
        desk.run("hugging-face:hub", images=None)
    (desk.root / "hub/all.parquet").unlink()
    desk.write("hub/metadata.jsonl", "{")
    with pytest.raises(InvalidDataError, match="cannot be read"):
        desk.run("hugging-face:hub", images=None)


def test_a_row_with_more_cells_than_the_head_is_no_crash(desk: Desk) -> None:
    desk.write("hub/metadata.csv", "file,mask\na.jpg,a.png,and more")
    with pytest.raises(InvalidDataError, match="has no column of photographs: it has file, mask"):
        desk.run("hugging-face:hub", images=None)
