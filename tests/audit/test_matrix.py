"""What opens an encryption matrix of any kind: pairs do, its images' own statistics do, other photographs' do not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.audit.conftest import mean_ssim
from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.matrix_matching import match_matrix, solve_matrix
from veilseg.audit.picture import as_pixels
from veilseg.ciphers.grid import cut_blocks, join_blocks
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.ciphers.plain import pad
from veilseg.keys import Key

KEY = Key(bytes(range(32)))


def opened(matrix: EncryptionMatrix, guess: np.ndarray, samples) -> list[np.ndarray]:
    """The samples' encrypted images under a guess at the matrix."""
    block = matrix.block
    encrypted = [matrix.encrypt(sample.image) for sample in samples]
    return [
        as_pixels(join_blocks(cut_blocks(e, block).astype(float) @ guess + 127.5, e.shape, block)) for e in encrypted
    ]


def test_as_many_independent_blocks_as_a_block_has_values_are_the_matrix(references, samples) -> None:
    matrix = EncryptionMatrix.drawn(KEY, 8)
    image = np.random.default_rng(0).integers(0, 256, (8 * 12, 8 * 16, 3), np.uint8)  # 192 blocks of 192 values
    solved = solve_matrix([(image, matrix.encrypt(image))], 8)
    assert mean_ssim(opened(matrix, solved, samples), samples) > 0.999
    photo = pad(references[0], 8)  # a photograph has more of them
    solved = solve_matrix([(photo, matrix.encrypt(photo))], 8)
    assert mean_ssim(opened(matrix, solved, samples), samples) > 0.999
    few = image[: 8 * 6]  # half of them
    assert mean_ssim(opened(matrix, solve_matrix([(few, matrix.encrypt(few))], 8), samples), samples) < 0.5


@pytest.mark.parametrize(("block", "at_least"), [(2, 0.9), (4, 0.7)])
def test_images_alone_are_opened_by_their_own_moments_only(block, at_least, references, samples) -> None:
    matrix = EncryptionMatrix.drawn(KEY, block)
    grids = [block_grid(matrix.encrypt(sample.image), block).astype(np.float64) for sample in samples]
    known = match_matrix(grids, [sample.image for sample in samples], block)
    assert mean_ssim(opened(matrix, known, samples), samples) > at_least
    grey = mean_ssim([np.full_like(sample.image, 127) for sample in samples], samples)
    public = match_matrix(grids, references, block)
    assert mean_ssim(opened(matrix, public, samples), samples) < grey + 0.1
