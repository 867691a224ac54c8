"""Bounds of shares, by hand and by what they must cover."""

from __future__ import annotations

import numpy as np
import pytest

from veilseg.audit.intervals import bootstrap, wilson


def test_wilson_by_hand() -> None:
    assert wilson(0, 200) == pytest.approx([0, 0, 0.0188], abs=1e-4)
    assert wilson(50, 100) == pytest.approx([0.5, 0.4038, 0.5962], abs=1e-4)


def test_the_bootstrap_is_of_sums_and_resamples_rows() -> None:
    assert bootstrap([[4, 1], [4, 1], [4, 1]]) == [0.25, 0.25, 0.25]
    share, low, high = bootstrap([[10, 10]] * 50 + [[30, 0]] * 50)
    assert share == 0.25
    assert low == pytest.approx(0.25 - 1.96 * 0.0375, abs=0.02)  # by the delta method
    assert high == pytest.approx(0.25 + 1.96 * 0.0375, abs=0.02)


def test_bounds_of_a_mean_are_those_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    share, low, high = bootstrap(np.stack([np.ones(400), values], axis=1))
    assert share == pytest.approx(values.mean(), abs=1e-4)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
