"""NP and FFX fall to their images alone; a key of its own for every block leaves nothing to find."""

from __future__ import annotations

import numpy as np
import pytest

from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.feature_reconstruction import fold, restore_sign, restore_table
from veilseg.audit.base import Training
from veilseg.audit.picture import as_pixels
from veilseg.audit.registry import ATTACKS
from veilseg.audit.samples import AuditSample
from veilseg.audit.scoring import compare
from veilseg.audit.victim import Victim, gather
from veilseg.ciphers import cipher
from veilseg.ciphers.grid import join_blocks


def opened_ssim(grids, samples, block: int) -> float:
    pictures = [
        as_pixels(join_blocks(grid.reshape(-1, grid.shape[2]), s.image.shape, block))
        for grid, s in zip(grids, samples, strict=True)
    ]
    return float(np.mean([compare(p, s.image).ssim for p, s in zip(pictures, samples, strict=True)]))


@pytest.mark.parametrize("block", [4, 16])
def test_negative_positive_falls_completely(samples, block: int) -> None:
    victim = Victim(cipher("np", block), 5)
    grids = [block_grid(victim.encrypt(s.image), block) for s in samples]
    assert opened_ssim(grids, samples, block) < 0.3
    assert opened_ssim(restore_sign(grids), samples, block) > 0.99


def test_negatives_are_shown_too_where_the_sky_is_below(samples, references) -> None:
    below = [AuditSample(s.name, np.ascontiguousarray(s.image[::-1])) for s in samples]
    for name, attack in (("np", "feature-reconstruction"), ("patch-rotation", "ciphertext-only")):
        made = gather(Victim(cipher(name, 8), 5), below, references, 5, Training())
        found = ATTACKS[attack].run(made).reconstructions
        scores = [
            np.mean([compare(p, s.image).ssim for p, s in zip(found[name], below, strict=True)])
            for name in ("opened", "negative")
        ]
        assert max(scores) > 0.4 > 0 > min(scores)


@pytest.mark.parametrize("block", [4, 16])
def test_ffx_falls_far_enough_to_see(samples, block: int) -> None:
    victim = Victim(cipher("ffx", block), 5)
    grids = [block_grid(victim.encrypt(s.image), block) for s in samples]
    assert opened_ssim(grids, samples, block) < 0.3
    assert opened_ssim(restore_table(grids, block), samples, block) > 0.7


def test_independent_signs_for_every_block_are_not_found(samples) -> None:
    rng = np.random.default_rng(0)
    grids = [block_grid(s.image, 8) for s in samples]
    signed = [np.where(rng.random(grid.shape) < 0.5, 255 - grid, grid) for grid in grids]
    assert opened_ssim(restore_sign(signed), samples, 8) < 0.3


def test_independent_tables_for_every_block_are_not_found(samples) -> None:
    rng = np.random.default_rng(0)
    grids = [block_grid(s.image, 8).astype(np.uint16) for s in samples]
    chosen = rng.permutation(192)[:96]
    for grid in grids:
        for block in grid.reshape(-1, 192):
            block[chosen] = rng.permutation(1000)[:256][block[chosen]]
    assert opened_ssim(restore_table(grids, 8), samples, 8) < 0.6


def test_folding_shows_edges_whatever_the_signs(samples) -> None:
    image = samples[0].image
    assert np.array_equal(fold(Victim(cipher("np", 8), 1).encrypt(image)), fold(image))
