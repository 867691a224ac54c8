"""jpeg: cells that were blocks of a JPEG are recovered to the pixel; others are not looked up."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from veilseg import cipher
from veilseg.audit.attacks.jpeg import Table, exact, list_blocks, recover

SORT = cipher("subblock-sort", 8, 8)


@pytest.fixture(scope="module")
def photograph() -> tuple[np.ndarray, np.ndarray]:
    """Soft slopes of grey after JPEG, of sides that 8 and 12 divide, and the JPEG's table."""
    rows, columns = np.mgrid[:96, :144]
    slopes = 120 + 30 * np.sin(rows / 17) * np.cos(columns / 23)
    file = BytesIO()
    picture = np.repeat(slopes.astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(picture).save(file, "JPEG", quality=50)
    decoded = Image.open(file)
    steps = np.array(decoded.quantization[0], np.int64).reshape(8, 8)  # type: ignore[attr-defined]
    return np.asarray(decoded), steps


@pytest.fixture(scope="module")
def table(photograph: tuple[np.ndarray, np.ndarray]) -> Table:
    return list_blocks(photograph[1])


def test_blocks_of_few_frequencies_are_recovered(photograph, table: Table) -> None:
    pixels, _ = photograph
    found = recover(SORT, SORT.encrypt_pixels(pixels, None, None), table)
    right = exact(found, pixels, 8) & ~found.flat
    assert right.mean() > 0.5


def test_other_keys_do_not_help(photograph, table: Table) -> None:
    """The shuffled image is sorted first."""
    shuffle = cipher("subblock-shuffle", 8, 8)
    sent = np.asarray(shuffle.encrypt(photograph[0]))
    plain = recover(SORT, SORT.encrypt_pixels(photograph[0], None, None), table)
    assert np.array_equal(recover(shuffle, sent, table).greys, plain.greys, equal_nan=True)


def test_cells_that_lie_across_blocks_are_not(photograph, table: Table) -> None:
    moved = np.ascontiguousarray(photograph[0][4:92, 4:140])
    found = recover(SORT, SORT.encrypt_pixels(moved, None, None), table)
    assert (exact(found, moved, 8) & ~found.flat).mean() < 0.1


def test_larger_cells_are_not_looked_up(photograph, table: Table) -> None:
    sort = cipher("subblock-sort", 12, 12)
    found = recover(sort, sort.encrypt_pixels(photograph[0], None, None), table)
    assert np.array_equal(~np.isnan(found.greys[..., 0]), found.flat)


def test_one_grey_needs_no_attack(table: Table) -> None:
    grey = np.full((16, 16, 3), 90, np.uint8)
    found = recover(SORT, SORT.encrypt_pixels(grey, None, None), table)
    assert found.flat.all()
    assert exact(found, grey, 8).all()
