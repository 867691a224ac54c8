"""Several images in one run of the network: each gets the map that it gets alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import veilseg
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.ciphers import EncryptedImage
from veilseg.errors import InvalidImageError
from veilseg.runtime import Segmenter

SHUFFLE = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    return Segmenter(tiny_model(tmp_path_factory.mktemp("m") / "tiny", CANONICAL, size_multiple=32), threads=1)


def images(sizes: list[tuple[int, int]]) -> list[EncryptedImage]:
    return [SHUFFLE.encrypt(photo(seed, *size)) for seed, size in enumerate(sizes)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(33, 48), st.integers(17, 32)), max_size=5))
def test_true_sizes_may_differ_where_stored_sizes_do_not(segmenter: Segmenter, sizes: list[tuple[int, int]]) -> None:
    batch = images(sizes)
    maps = segmenter.segment_batch(batch)
    assert [labels.shape for labels in maps] == sizes
    for image, labels in zip(batch, maps, strict=True):
        assert (labels == segmenter.segment(image)).all()


def test_windows_are_run_image_by_image(segmenter: Segmenter) -> None:
    windowed = Segmenter(segmenter.name, threads=1, window=32)
    batch = images([(40, 60), (48, 64)])
    for image, labels in zip(batch, windowed.segment_batch(batch), strict=True):
        assert (labels == windowed.segment(image)).all()


def test_a_network_of_one_size_takes_batches(tmp_path: Path) -> None:
    fixed = Segmenter(tiny_model(tmp_path / "fixed", CANONICAL, size=(48, 64)), threads=1)
    batch = images([(20, 30), (25, 32)])
    for image, labels in zip(batch, fixed.segment_batch(batch), strict=True):
        assert (labels == fixed.segment(image)).all()


def test_what_cannot_be_one_batch_is_refused(segmenter: Segmenter) -> None:
    with pytest.raises(InvalidImageError, match="differ in size"):
        segmenter.segment_batch(images([(16, 16), (16, 17)]))
    other = veilseg.cipher("mosaic", block=16, sub_block=8).encrypt(photo(0, 16, 16))
    with pytest.raises(InvalidImageError):
        segmenter.segment_batch([*images([(16, 16)]), other])
