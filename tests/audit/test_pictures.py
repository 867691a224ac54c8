"""look, thumbnail, channel-order: each wins against a weak cipher and comes to nothing against a strong one."""

from __future__ import annotations

import numpy as np
import pytest

from veilseg import cipher
from veilseg.audit import ATTACKS
from veilseg.audit.channel_names import name_order, pair_correlations, public_correlations
from veilseg.audit.channel_order import reorder
from veilseg.audit.judge import compare
from veilseg.audit.picture import enlarge, means


def mean_ssim(pictures, subjects) -> float:
    return float(np.mean([compare(p, s.image).ssim for p, s in zip(pictures, subjects, strict=True)]))


def flat_ssim(subjects) -> float:
    """What a picture without any content scores: each photograph's mean grey."""
    flat = [np.full_like(subject.image, round(float(subject.image.mean()))) for subject in subjects]
    return mean_ssim(flat, subjects)


def test_look_sees_most_of_a_fine_mosaic_and_nothing_of_a_rotation(evidence, subjects) -> None:
    fine = ATTACKS["look"].run(evidence(cipher("mosaic", 16, 2))).views["as sent"]
    rotated = ATTACKS["look"].run(evidence(cipher("patch-rotation", 8))).views
    assert mean_ssim(fine, subjects) > 0.7
    assert all(mean_ssim(view, subjects) < flat_ssim(subjects) + 0.02 for view in rotated.values())


def test_thumbnail_is_better_the_smaller_the_sub_block_and_nothing_of_a_rotation(evidence, subjects) -> None:
    attack = ATTACKS["thumbnail"]
    shuffled = [attack.run(evidence(cipher("subblock-shuffle", 16, s))).views["grey"] for s in (2, 4, 8, 16)]
    scores = [mean_ssim(view, subjects) for view in shuffled]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.7
    rotated = attack.run(evidence(cipher("patch-rotation", 8))).views["grey"]
    assert mean_ssim(rotated, subjects) < flat_ssim(subjects) + 0.02 < scores[-1]


def test_thumbnail_sees_the_same_in_sorted_and_in_shuffled_images(evidence) -> None:
    attack = ATTACKS["thumbnail"]
    first, second = (attack.run(evidence(cipher(f"subblock-{name}", 16, 8))).views for name in ("sort", "shuffle"))
    assert all(np.array_equal(a, b) for a, b in zip(first["grey"], second["grey"], strict=True))


def test_channel_order_is_found_in_a_colourful_photograph(references) -> None:
    coffee = references[2]
    small = means(coffee[:384, :592], 16)
    rng = np.random.default_rng(0)
    mixed = rng.permuted(small, axis=2)
    ordered = reorder(mixed)
    order = name_order(pair_correlations(ordered), public_correlations(references))
    assert (np.abs(ordered[..., order] - small).max(axis=2) < 1e-9).mean() > 0.9
    assert (np.abs(mixed - small).max(axis=2) < 1e-9).mean() < 0.3


def test_channel_order_is_not_found_where_neighbours_have_nothing_in_common() -> None:
    small = np.random.default_rng(1).uniform(0, 255, (12, 12, 3))
    ordered = reorder(np.random.default_rng(2).permuted(small, axis=2))
    orders = ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
    assert max((np.abs(ordered[..., order] - small).max(axis=2) < 1e-9).mean() for order in orders) < 0.5


def test_channel_order_by_blocks_moves_whole_blocks(references) -> None:
    small = means(references[2][:384, :576], 8)
    cells = small.reshape(24, 2, 36, 2, 3)
    orders = np.random.default_rng(3).permuted(np.tile(np.arange(3), (24, 36, 1)), axis=2)
    mixed = np.take_along_axis(cells, orders[:, None, :, None], axis=4).reshape(small.shape)
    ordered = reorder(mixed, group=2)
    order = name_order(pair_correlations(ordered), public_correlations(references))
    assert (np.abs(ordered[..., order] - small).max(axis=2) < 1e-9).mean() > 0.7


def test_channel_order_does_not_fit_where_channels_keep_their_places() -> None:
    assert not ATTACKS["channel-order"].fits(cipher("subblock-sort", channels="none"))
    assert ATTACKS["channel-order"].fits(cipher("subblock-sort"))
    assert ATTACKS["channel-order"].fits(cipher("subblock-quartiles"))


@pytest.mark.parametrize("side", [2, 4, 16])
def test_means_and_enlarging_keep_a_flat_picture(side: int) -> None:
    flat = np.full((32, 48, 3), 77, np.uint8)
    assert np.allclose(enlarge(means(flat, side), side), 77)
