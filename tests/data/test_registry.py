"""KIND:WHERE, as written on the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from veilseg.data import SegmentationData, open_data, registry
from veilseg.errors import UsageError


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "camvid",
        "camvid:",
        "nuscenes:x",
        "scenes:",
        "scenes:many",
        "scenes:0",
        "scenes:-3",
        "scenes:3:",
        "scenes:3:x",
        "scenes:²",
    ],
)
def test_specs_that_name_nothing_are_refused_with_a_hint(spec: str) -> None:
    with pytest.raises(UsageError) as error:
        open_data(spec)
    assert error.value.hint is not None
    assert "scenes:COUNT" in error.value.hint


def test_scenes() -> None:
    data = open_data("scenes:3:5")
    assert isinstance(data, SegmentationData)
    assert (len(data), data.name, len(data.classes)) == (3, "scenes:3:5", 11)


def test_a_kind_from_outside_opens_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "KINDS", dict(registry.KINDS))
    registry.register("twice", lambda where, split: open_data(f"scenes:{2 * int(where)}"), "COUNT")
    assert len(open_data("twice:3")) == 6
    assert "twice:COUNT" in registry.forms()
    for taken in ("twice", "camvid", "a:b"):
        with pytest.raises(UsageError, match=taken):
            registry.register(taken, open_data)


def test_data_needs_no_torch() -> None:
    code = "import sys, veilseg.data; assert not {'torch', 'numba', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
