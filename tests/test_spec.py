"""The catalogue and CipherSpec: which ciphers and sizes exist, and the one text form of each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from veilseg import catalog
from veilseg.catalog import CATALOG
from veilseg.ciphers.registry import implementation
from veilseg.errors import UsageError
from veilseg.spec import CipherSpec, make_spec, read_spec

WITH_SUB_BLOCKS = [name for name, row in CATALOG.items() if row.sub_blocks]


@pytest.mark.parametrize("name", CATALOG)
def test_rows(name: str) -> None:
    row = catalog.facts(name)
    assert row.name == name == implementation(name).name
    assert row.canonical is None or name in CATALOG[row.canonical].accepts
    assert row.accepts[0] == name
    assert row.key == "required" or row.family in ("key-invariant", "reducing")
    spec = make_spec(name)
    assert read_spec(spec.to_dict()) == spec
    assert spec.visible.endswith(".")
    assert "{" not in spec.visible
    assert (f"{spec.cell} x {spec.cell}" in spec.visible) == row.sub_blocks


def test_names() -> None:
    assert next(iter(CATALOG)) == catalog.DEFAULT_CIPHER
    assert catalog.names().endswith("np or ffx")
    assert catalog.of_family("reducing") == ("subblock-quartiles", "mosaic")
    assert set(catalog.training_inputs().values()) <= set(CATALOG)
    assert json.loads(catalog.to_json())["ciphers"].keys() == CATALOG.keys()
    for unknown in ("rot13", "", None, ["mosaic"]):
        with pytest.raises(UsageError, match="unknown cipher") as caught:
            catalog.facts(unknown)  # type: ignore[arg-type]
        assert "subblock-sort" in (caught.value.hint or "")


def test_names_are_taken_once() -> None:
    before = dict(CATALOG)
    for row in (CATALOG["mosaic"], replace(CATALOG["mosaic"], name="tiles")):
        with pytest.raises(UsageError, match="already"):
            catalog.register(row)
    assert before == CATALOG


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("block", [0, -1, 65, 16.0, True, "16", None, 10**30])
def test_blocks_that_do_not_exist(name: str, block: Any) -> None:
    with pytest.raises(UsageError, match="whole number of pixels"):
        CipherSpec(name, block, 4 if name in WITH_SUB_BLOCKS else None)


@pytest.mark.parametrize("name", WITH_SUB_BLOCKS)
@pytest.mark.parametrize("sub_block", [0, 3, -4, 32, 4.0, True, "4", [4]])
def test_sub_blocks_that_do_not_exist(name: str, sub_block: Any) -> None:
    with pytest.raises(UsageError, match="must divide"):
        CipherSpec(name, 16, sub_block)
    with pytest.raises(UsageError, match="needs the side of its sub-blocks"):
        CipherSpec(name, 16)


@pytest.mark.parametrize("name", WITH_SUB_BLOCKS)
def test_sub_blocks_of_one_pixel_are_refused(name: str) -> None:
    """They hide nothing but, at most, the order of the channels."""
    for block, sub_block in ((16, 1), (1, None)):
        with pytest.raises(UsageError, match="photograph itself") as caught:
            make_spec(name, block, sub_block)
        assert "8, 12 and 16" in (caught.value.hint or "")
    assert make_spec(name, sub_block=2).cell == 2


@pytest.mark.parametrize("name", sorted(set(CATALOG) - set(WITH_SUB_BLOCKS)))
def test_ciphers_without_sub_blocks(name: str) -> None:
    with pytest.raises(UsageError, match="no sub-blocks"):
        CipherSpec(name, 16, 4)
    assert make_spec(name).sub_block is None
    assert make_spec(name).cell == 16


def test_the_largest_rotation() -> None:
    assert make_spec("patch-rotation", 32).block == 32
    with pytest.raises(UsageError, match="from 1 to 32, not 33"):
        make_spec("patch-rotation", 33)


def test_defaults_and_texts() -> None:
    assert make_spec("mosaic") == CipherSpec("mosaic", 12, 12)
    assert make_spec("mosaic", sub_block=8) == CipherSpec("mosaic", 16, 8)
    assert make_spec("mosaic", sub_block=24) == CipherSpec("mosaic", 24, 24)
    assert make_spec("mosaic", 48) == CipherSpec("mosaic", 48, 12)
    assert make_spec("mosaic", 16) == CipherSpec("mosaic", 16, 16)
    assert make_spec("mosaic", 2).sub_block == 2
    sizes: tuple[Any, Any] = (np.int64(8), np.int32(4))
    assert make_spec("mosaic", *sizes).to_dict() == {"cipher": "mosaic", "block": 8, "sub_block": 4}
    assert str(make_spec("mosaic")) == "mosaic, block 12, sub-block 12"
    assert str(make_spec("np", 8)) == "np, block 8"
    for side in (0, 500, -4):
        with pytest.raises(UsageError, match=f"sub-block size must divide the block size 16, and {side} does not"):
            make_spec("mosaic", sub_block=side)
    assert read_spec({"cipher": "np", "block": 8, "height": 3}) == CipherSpec("np", 8)
    with pytest.raises(UsageError):
        read_spec({})
