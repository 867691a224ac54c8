"""Model encryption of an exported model by its stem.bin: the theorem of [Kiya 2022] without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import veilseg
from tests.tiny_onnx import CANONICAL, photo, split_stem, tiny_model
from veilseg.errors import InvalidImageError, InvalidKeyError, InvalidModelError, VeilsegError
from veilseg.keys import Key
from veilseg.models.encryption.onnx_stem import encrypt_onnx, read_stem, rekey_onnx
from veilseg.runtime import Segmenter


@pytest.fixture
def plain_model(tmp_path: Path) -> Path:
    return split_stem(tiny_model(tmp_path / "plain"))


def test_the_stem_is_read_as_it_was_exported(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "plain")
    before = Segmenter(folder, threads=1).logits(photo(4, 48, 80))
    split_stem(folder)
    assert (Segmenter(folder, threads=1).logits(photo(4, 48, 80)) == before).all()
    weight, bias = read_stem(folder, 16)
    assert weight.shape == (12, 3, 16, 16)
    assert bias.shape == (12,)


@pytest.mark.parametrize("cipher", ["patch-permutation", "patch-rotation"])
def test_the_encrypted_model_answers_for_encrypted_images_as_the_plain_one_for_plain(
    plain_model: Path, tmp_path: Path, cipher: str
) -> None:
    key, image = Key.generate(), photo()
    config, proof = encrypt_onnx(plain_model, key, tmp_path / "encrypted", cipher=cipher)
    assert config.input.key_fingerprint == key.fingerprint
    assert proof is not None
    assert proof.right < 3e-2
    assert 0.2 < min(proof.wrong, proof.none) <= max(proof.wrong, proof.none) < 100
    plain, encrypted_model = Segmenter(plain_model, threads=1), Segmenter(tmp_path / "encrypted", threads=1)
    encrypted = veilseg.cipher(cipher, block=16).encrypt(image, key)
    padded = np.pad(image, [(0, 10), (0, 6), (0, 0)], "reflect")
    atol = 1e-3 if cipher == "patch-permutation" else 2e-2
    np.testing.assert_allclose(encrypted_model.logits(encrypted.pixels), plain.logits(padded), atol=atol)
    assert np.mean(encrypted_model.segment(encrypted) == plain.segment(image)) > 0.998


def test_the_weight_is_permuted_as_the_paper_writes_it(tmp_path: Path) -> None:
    """W_hat = W.reshape(D, L)[:, l], computed here from the ONNX file's own tensors."""
    folder = tiny_model(tmp_path / "plain")
    tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / "model.onnx")).graph.initializer}
    split_stem(folder)
    key = Key.generate()
    encrypt_onnx(folder, key, tmp_path / "encrypted")
    weight, bias = read_stem(tmp_path / "encrypted", 16)
    expected = tensors["w"].reshape(12, -1)[:, veilseg.cipher("patch-permutation").block_order(key)]
    assert np.array_equal(weight.reshape(12, -1), expected)
    np.testing.assert_allclose(bias, tensors["b"], atol=1e-6)


def test_wrong_keys_and_plain_images_are_refused_and_useless(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "plain")
    split_stem(folder)
    key, other, image = Key.generate(), Key.generate(), photo()
    encrypt_onnx(folder, key, tmp_path / "encrypted")
    encrypted_model, plain = Segmenter(tmp_path / "encrypted", threads=1), Segmenter(folder, threads=1)
    wrong = veilseg.cipher("patch-permutation", block=16).encrypt(image, other)
    for refused in (wrong, image):
        with pytest.raises(InvalidImageError) as caught:
            encrypted_model.segment(refused)
        assert caught.value.hint
        answer = encrypted_model.segment(refused, check=False)
        assert np.mean(answer == plain.segment(image)) < 0.95


def test_what_cannot_be_encrypted_is_refused(tmp_path: Path) -> None:
    folder, key = tiny_model(tmp_path / "plain"), Key.generate()
    with pytest.raises(InvalidModelError, match=r"stem\.bin"):
        encrypt_onnx(folder, key, tmp_path / "encrypted")
    split_stem(folder)
    for block in (8, 1):  # 1: values for any number of kernels of one pixel
        with pytest.raises(InvalidModelError, match="blocks of 16 pixels, not"):
            encrypt_onnx(folder, key, tmp_path / "encrypted", block=block)
    with pytest.raises(VeilsegError, match="exists"):
        encrypt_onnx(folder, key, folder)
    with pytest.raises(InvalidModelError, match="needs no key"):
        encrypt_onnx(tiny_model(tmp_path / "canonical", CANONICAL), key, tmp_path / "encrypted")
    assert not (tmp_path / "encrypted").exists()


@pytest.mark.parametrize("cipher", ["patch-permutation", "patch-rotation"])
def test_a_new_key_without_the_plain_model(plain_model: Path, tmp_path: Path, cipher: str) -> None:
    old, new = Key.generate(), Key.generate()
    encrypt_onnx(plain_model, old, tmp_path / "encrypted", cipher=cipher)
    config, _ = rekey_onnx(tmp_path / "encrypted", old, new, tmp_path / "moved")
    assert config.input.key_fingerprint == new.fingerprint
    encrypt_onnx(plain_model, new, tmp_path / "direct", cipher=cipher)
    for moved, direct in zip(read_stem(tmp_path / "moved", 16), read_stem(tmp_path / "direct", 16), strict=True):
        np.testing.assert_allclose(moved, direct, rtol=1e-4, atol=1e-6 * np.abs(direct).max())
    with pytest.raises(InvalidKeyError, match=old.fingerprint):
        rekey_onnx(tmp_path / "encrypted", new, old, tmp_path / "no")
    with pytest.raises(InvalidModelError, match="not encrypted"):
        rekey_onnx(plain_model, old, new, tmp_path / "no")
    with pytest.raises(InvalidModelError, match="encrypted already"):
        encrypt_onnx(tmp_path / "encrypted", new, tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_the_model_file_stays_the_same_and_holds_no_stem(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "plain")
    split_stem(folder)
    encrypt_onnx(folder, Key.generate(), tmp_path / "encrypted")
    assert (tmp_path / "encrypted" / "model.onnx").read_bytes() == (folder / "model.onnx").read_bytes()
    weight, _ = read_stem(folder, 16)
    assert weight[0].tobytes() not in (folder / "model.onnx").read_bytes()


@pytest.mark.slow
def test_exports_of_real_models_are_encrypted_as_torch_encrypts_them(tmp_path: Path) -> None:
    """A network with a 4-pixel stem, exported for 16-pixel blocks: NumPy on stem.bin equals encrypt_model in torch."""
    pytest.importorskip("torch")
    from tests.models.conftest import tiny_conv
    from veilseg.models import encrypt_model, export_onnx

    model, key, image = tiny_conv(), Key.generate(), photo(5, 64, 96)
    export_onnx(model, tmp_path / "plain", split_stem=16)
    encrypt_onnx(tmp_path / "plain", key, tmp_path / "encrypted")
    encrypted = veilseg.cipher("patch-permutation", block=16).encrypt(image, key)
    by_onnx = Segmenter(tmp_path / "encrypted", threads=1).logits(encrypted.pixels)
    by_torch = Segmenter(encrypt_model(model, key, block=16), threads=1).logits(encrypted.pixels)
    plain = Segmenter(model, threads=1).logits(image)
    scale = np.abs(plain).max()
    np.testing.assert_allclose(by_onnx, plain, atol=1e-4 * scale)
    np.testing.assert_allclose(by_onnx, by_torch, atol=1e-4 * scale)
