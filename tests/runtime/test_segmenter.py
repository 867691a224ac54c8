"""The Segmenter: every key the same map, what is not for the model is refused, sizes come back true."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.ciphers import EncryptedImage
from veilseg.errors import InvalidImageError, InvalidModelError, UsageError
from veilseg.install import install_hint
from veilseg.keys import Key
from veilseg.runtime import Segmenter


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    return Segmenter(tiny_model(tmp_path_factory.mktemp("m") / "canonical", CANONICAL), threads=1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    return Segmenter(tiny_model(tmp_path_factory.mktemp("m") / "plain"), threads=1)


def test_twenty_keys_give_one_map(canonical: Segmenter) -> None:
    image = photo()
    shuffle = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)
    encrypted = [shuffle.encrypt(image, Key.generate()) for _ in range(10)] + [
        shuffle.encrypt(image) for _ in range(10)
    ]
    assert len({each.pixels.tobytes() for each in encrypted}) == 20
    expected = canonical.segment(veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(image))
    assert len(np.unique(expected)) > 1
    for each in encrypted:
        assert (canonical.segment(each) == expected).all()


@pytest.mark.parametrize("size", [(1, 1), (15, 33), (16, 16), (70, 90), (65, 17)])
def test_maps_have_the_true_size(canonical: Segmenter, plain: Segmenter, size: tuple[int, int]) -> None:
    image = photo(1, *size)
    labels = canonical.segment(veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(image))
    assert labels.shape == size
    assert labels.dtype == np.uint8
    assert plain.segment(image).shape == size


def test_a_map_is_the_argmax_of_the_logits(plain: Segmenter) -> None:
    image = photo(2, 48, 64)
    logits = plain.logits(image)
    assert logits.shape == (11, 48, 64)
    assert (plain.segment(image) == logits.argmax(0)).all()


def test_paths_bytes_and_arrays_give_the_same(canonical: Segmenter, plain: Segmenter, tmp_path: Path) -> None:
    encrypted = veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(photo())
    encrypted.save(tmp_path / "veiled.png")
    expected = canonical.segment(encrypted)
    assert (canonical.segment(tmp_path / "veiled.png") == expected).all()
    assert (canonical.segment(str(tmp_path / "veiled.png")) == expected).all()
    assert (canonical.segment(encrypted.to_bytes()) == expected).all()
    from veilseg.images import to_png

    (tmp_path / "photo.png").write_bytes(to_png(photo()))
    assert (plain.segment(tmp_path / "photo.png") == plain.segment(photo())).all()
    assert (plain.segment(Image.fromarray(photo())) == plain.segment(photo())).all()


def test_plain_images_are_refused_with_the_way_out(canonical: Segmenter, tmp_path: Path) -> None:
    from veilseg.images import to_png

    (tmp_path / "photo.png").write_bytes(to_png(photo()))
    for image in (photo(), Image.fromarray(photo()), tmp_path / "photo.png"):
        with pytest.raises(InvalidImageError, match="not plain ones") as caught:
            canonical.segment(image)
        assert "veilseg encrypt" in (caught.value.hint or "")
        assert "--server" in (caught.value.hint or "")


def test_unchecked_plain_images_are_read_as_they_are(canonical: Segmenter) -> None:
    """As [Kiya 2022] measures; to a key-invariant model a plain image is one more arrangement of pixels."""
    expected = canonical.segment(veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(photo()))
    assert (canonical.segment(photo(), check=False) == expected).all()


def test_a_map_has_a_size(plain: Segmenter) -> None:
    for size in ((0, 0), (40, -1), (40,)):
        with pytest.raises(UsageError, match="no label map of size") as caught:
            plain.segment(photo(), size=size)  # type: ignore[arg-type]
        assert "(height, width)" in (caught.value.hint or "")


def test_images_for_another_model_are_refused_with_a_hint(canonical: Segmenter, plain: Segmenter) -> None:
    for cipher, key in (
        (veilseg.cipher("subblock-sort", block=16, sub_block=4), None),
        (veilseg.cipher("subblock-shuffle", block=32, sub_block=8), None),
        (veilseg.cipher("mosaic", block=16, sub_block=8), None),
        (veilseg.cipher("patch-permutation", block=16), Key.generate()),
    ):
        encrypted = cipher.encrypt(photo(), key)
        for segmenter in (canonical, plain):
            with pytest.raises(InvalidImageError) as caught:
                segmenter.segment(encrypted)
            assert caught.value.hint


def test_a_damaged_encrypted_image_does_not_pass_as_a_photograph(plain: Segmenter) -> None:
    data = bytearray(veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(photo()).to_bytes())
    data += b"x"  # an image viewer would still open it
    with pytest.raises(InvalidImageError, match="extra data"):
        plain.segment(bytes(data))


def test_what_is_no_image_is_refused(canonical: Segmenter, plain: Segmenter, tmp_path: Path) -> None:
    for wrong in (photo().astype(np.float32), photo()[..., :2], np.zeros((0, 4, 3), np.uint8), None, 7):
        with pytest.raises(InvalidImageError):
            plain.segment(wrong)  # type: ignore[arg-type]
    with pytest.raises(veilseg.errors.VeilsegError):
        plain.segment(tmp_path / "missing.png")


@pytest.mark.parametrize("shape", [(), (5,), (16, 16, 2), (16, 16, 4), (0, 16, 3), (1, 16, 16, 3)])
def test_arrays_of_other_shapes_are_refused(plain: Segmenter, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidImageError, match=r"shape|transparent|empty"):
        plain.segment(np.zeros(shape, np.uint8))


def test_windows_see_the_blocks_that_the_whole_image_has(canonical: Segmenter) -> None:
    """The tiny network up to its upsampling works block by block, so far from borders windows change nothing."""
    encrypted = veilseg.cipher("subblock-shuffle", block=16, sub_block=8).encrypt(photo(3, 96, 128))
    windowed = Segmenter(canonical.name, threads=1, window=(64, 70), overlap=0.5)
    whole, parts = canonical.logits(encrypted.pixels), windowed.logits(encrypted.pixels)
    assert parts.shape == whole.shape
    np.testing.assert_allclose(parts[:, 8:24, 8:24], whole[:, 8:24, 8:24], atol=1e-4)
    assert np.mean(parts.argmax(0) == whole.argmax(0)) > 0.8


def test_a_window_larger_than_the_image_changes_nothing(canonical: Segmenter) -> None:
    encrypted = veilseg.cipher("subblock-sort", block=16, sub_block=8).encrypt(photo())
    windowed = Segmenter(canonical.name, threads=1, window=512)
    assert (windowed.segment(encrypted) == canonical.segment(encrypted)).all()


def test_large_images_run_in_windows_and_their_maps_are_made_tile_by_tile(
    canonical: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    cipher = veilseg.cipher("subblock-sort", block=16, sub_block=8)
    encrypted = cipher.encrypt(photo(5, 130, 150))
    windowed = Segmenter(canonical.name, threads=1, window=64)
    expected = windowed.logits(encrypted.pixels)[:, :130, :150].argmax(0)
    assert (windowed.segment(encrypted) == expected).all()
    monkeypatch.setattr("veilseg.runtime.segmenter.WHOLE_PIXELS", encrypted.pixels.size // 3 - 1)
    monkeypatch.setattr("veilseg.runtime.segmenter.LARGE_WINDOW", 70)  # 64 on the grid
    shapes: list[tuple[int, ...]] = []
    run = canonical.engine.run

    def recording(images: np.ndarray) -> np.ndarray:
        shapes.append(images.shape)
        return run(images)

    monkeypatch.setattr(canonical.engine, "run", recording)
    assert (canonical.segment(encrypted) == expected).all()
    assert (canonical.segment_batch([encrypted, encrypted])[1] == expected).all()
    assert set(shapes) == {(1, 3, 64, 64)}


def test_networks_of_one_size_get_windows_of_that_size(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "fixed", CANONICAL, size=(48, 64))
    segmenter = Segmenter(folder, threads=1)
    cipher = veilseg.cipher("subblock-sort", block=16, sub_block=8)
    for size in ((20, 20), (48, 64), (70, 90)):
        assert segmenter.segment(cipher.encrypt(photo(0, *size))).shape == size
    with pytest.raises(UsageError, match="48x64"):
        Segmenter(folder, window=32)


def test_a_network_on_a_coarser_grid_gets_whole_blocks_more(tmp_path: Path) -> None:
    segmenter = Segmenter(tiny_model(tmp_path / "m", CANONICAL, size_multiple=32), threads=1)
    finer = Segmenter(tiny_model(tmp_path / "n", CANONICAL, size_multiple=16), threads=1)
    encrypted = veilseg.cipher("subblock-shuffle", block=16, sub_block=8).encrypt(photo(0, 48, 80))
    assert segmenter.segment(encrypted).shape == (48, 80)
    coarse, fine = segmenter.logits(encrypted.pixels), finer.logits(encrypted.pixels)
    np.testing.assert_allclose(coarse[:, :40, :72], fine[:, :40, :72], atol=1e-4)


def test_options_out_of_range_are_refused(canonical: Segmenter) -> None:
    for options in ({"threads": 0}, {"window": 15}, {"overlap": 1.0}, {"engine": "tensorrt"}):
        with pytest.raises(UsageError):
            Segmenter(canonical.name, **options)


def test_a_missing_onnx_runtime_is_named(canonical: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "onnxruntime":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidModelError) as caught:
        Segmenter(canonical.name)
    assert caught.value.hint == install_hint("run")


def test_an_opened_image_is_an_image_like_any_other(canonical: Segmenter, tmp_path: Path) -> None:
    encrypted = veilseg.cipher("subblock-shuffle", block=16, sub_block=8).encrypt(photo())
    encrypted.save(tmp_path / "veiled.png")
    assert (canonical.segment(EncryptedImage.open(tmp_path / "veiled.png")) == canonical.segment(encrypted)).all()
