"""look, thumbnail, channel-order: each wins against a weak cipher and comes to nothing against a strong one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.audit.conftest import mean_ssim
from veilseg import cipher
from veilseg.audit.attacks.channel_names import name_order, pair_correlations, public_correlations
from veilseg.audit.attacks.channel_order import reorder
from veilseg.audit.attacks.rank_placement import known_greys, place
from veilseg.audit.base import Training
from veilseg.audit.picture import enlarge, enlarge_means, means
from veilseg.audit.registry import ATTACKS
from veilseg.audit.samples import AuditSample
from veilseg.audit.victim import Victim, gather
from veilseg.catalog import CATALOG


def flat_ssim(samples) -> float:
    """What a picture without any content scores: each photograph's mean grey."""
    flat = [np.full_like(sample.image, round(float(sample.image.mean()))) for sample in samples]
    return mean_ssim(flat, samples)


def test_look_sees_most_of_a_fine_mosaic_and_nothing_of_a_rotation(evidence, samples) -> None:
    fine = ATTACKS["look"].run(evidence(cipher("mosaic", 16, 2))).reconstructions["as sent"]
    rotated = ATTACKS["look"].run(evidence(cipher("patch-rotation", 8))).reconstructions
    assert mean_ssim(fine, samples) > 0.7
    assert all(mean_ssim(made, samples) < flat_ssim(samples) + 0.02 for made in rotated.values())


def test_thumbnail_is_better_the_smaller_the_sub_block_and_nothing_of_a_rotation(evidence, samples) -> None:
    attack = ATTACKS["thumbnail"]
    shuffled = [attack.run(evidence(cipher("subblock-shuffle", 16, s))).reconstructions["grey"] for s in (2, 4, 8, 16)]
    scores = [mean_ssim(made, samples) for made in shuffled]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.7
    rotated = attack.run(evidence(cipher("patch-rotation", 8))).reconstructions["grey"]
    assert mean_ssim(rotated, samples) < flat_ssim(samples) + 0.02 < scores[-1]


def test_thumbnail_sees_the_same_in_sorted_and_in_shuffled_images(evidence) -> None:
    attack = ATTACKS["thumbnail"]
    first, second = (
        attack.run(evidence(cipher(f"subblock-{name}", 16, 8))).reconstructions for name in ("sort", "shuffle")
    )
    assert all(np.array_equal(a, b) for a, b in zip(first["grey"], second["grey"], strict=True))


def test_enlarged_means_are_still_the_means_and_nearer_to_the_photograph(references) -> None:
    photograph = references[2][:384, :592].astype(float)
    small = means(photograph, 8)
    bicubic, projected = enlarge(small, 8), enlarge_means(small, 8)
    assert np.abs(means(projected, 8) - small).max() < 0.1 * np.abs(means(bicubic, 8) - small).max()
    assert np.abs(projected - photograph).mean() < np.abs(bicubic - photograph).mean()
    assert np.array_equal(enlarge_means(small[..., 0], 8), projected[..., 0])


@pytest.mark.parametrize("name", ["subblock-sort", "subblock-shuffle", "subblock-quartiles"])
def test_ranks_place_values_better_than_means_alone_in_photographs(references, name) -> None:
    photograph = [AuditSample("coffee", references[2][:384, :592])]
    victim = Victim(cipher(name, 16, 4), 1)
    made = gather(victim, photograph, references, 1, Training())
    means_alone, placed = (ATTACKS[name].run(made).reconstructions["grey"] for name in ("thumbnail", "rank-placement"))
    assert mean_ssim(placed, photograph) > mean_ssim(means_alone, photograph) + 0.005


def test_ranks_find_no_place_where_neighbours_have_nothing_in_common() -> None:
    noise = [AuditSample("noise", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))]
    made = gather(Victim(cipher("subblock-sort", 16, 16), 1), noise, (), 1, Training())
    assert mean_ssim(ATTACKS["rank-placement"].run(made).reconstructions["grey"], noise) < 0.1


def test_values_are_placed_by_rank_and_shuffles_leave_greys_known(samples) -> None:
    image = samples[0].image
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.array_equal(place(known_greys(grey, 8), image[..., 0], 8), image[..., 0])
    shuffled = cipher("subblock-shuffle", 16, 8).encrypt_pixels(image, None, None)
    assert np.allclose(known_greys(shuffled, 8), known_greys(image, 8))


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


def test_channel_order_fits_where_channels_change_places() -> None:
    fitting = {name for name in CATALOG if ATTACKS["channel-order"].fits(cipher(name))}
    assert fitting == {"subblock-sort", "subblock-shuffle", "subblock-quartiles"}


@pytest.mark.parametrize("side", [2, 4, 16])
def test_means_and_enlarging_keep_a_flat_picture(side: int) -> None:
    flat = np.full((32, 48, 3), 77, np.uint8)
    assert np.allclose(enlarge(means(flat, side), side), 77)
