"""Forms of responses: which one an Accept header means, and run lengths against pycocotools."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from veilseg.rle import encode_counts
from veilseg.server.errors import RequestError
from veilseg.server.responses import AREAS, PNG, RAW, RLE, TYPES, negotiate


@given(arrays.arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_run_lengths_are_coco_s(mask: np.ndarray) -> None:
    assert encode_counts(mask) == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


def test_long_runs_are_coco_s() -> None:
    mask = np.zeros((3000, 1000), bool)
    mask[::700, 1] = mask[17:2000, 2] = mask[5, 900] = mask[:, 901:950] = True
    for each in (mask, ~mask, mask | True, mask & False, mask.T):
        assert encode_counts(each) == coco.encode(np.asfortranarray(each.astype(np.uint8)))["counts"].decode()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", PNG),
        ("*/*", PNG),
        ("image/*", PNG),
        ("application/*", RAW),
        ("application/json", AREAS),
        ("APPLICATION/JSON; q=1", AREAS),
        (RLE, RLE),
        ("text/html, application/json;q=0.9, */*;q=0.1", AREAS),
        ("*/*, image/png;q=0", RAW),
        ("image/png;q=0.2, application/octet-stream;q=0.3", RAW),
        ("image/png;q=x, application/json;q=0.1", AREAS),
    ],
)
def test_accept(accept: str, kind: str) -> None:
    assert negotiate(accept) == kind


@given(st.text(max_size=60))
def test_any_accept_header_has_an_answer(accept: str) -> None:
    with contextlib.suppress(RequestError):  # and no other error
        assert negotiate(accept) in TYPES


def test_nothing_acceptable() -> None:
    for accept in ("text/html", "*/*;q=0", "image/jpeg"):
        with pytest.raises(RequestError):
            negotiate(accept)
