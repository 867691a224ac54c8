"""Evaluation end to end: the figures equal a computation by hand, and everything needed to repeat them is there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import veilseg
from tests.tiny_onnx import CANONICAL, photo, split_stem, tiny_model
from veilseg.ciphers import own_cipher
from veilseg.data import CAMVID_CLASSES, CAMVID_PALETTE, Sample
from veilseg.errors import InvalidDataError, InvalidImageError, UsageError
from veilseg.evaluation import evaluate
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import input_name, percent, write_json
from veilseg.images import to_png
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.modelconfig import generic_classes
from veilseg.models.encryption.onnx_stem import encrypt_onnx
from veilseg.runtime import Segmenter
from veilseg.spec import CipherSpec, make_spec


class FourPhotos:
    name = "four photos"
    classes = CAMVID_CLASSES
    palette = CAMVID_PALETTE

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Sample:
        label = np.random.default_rng(index).integers(0, 11, (70, 90)).astype(np.uint8)
        label[:5] = 255
        return Sample(f"photo {index}", photo(index), label)


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    return Segmenter(tiny_model(tmp_path_factory.mktemp("m") / "canonical", CANONICAL), threads=1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    folder = tiny_model(tmp_path_factory.mktemp("m") / "plain")
    split_stem(folder)
    return Segmenter(folder, threads=1)


class OneBadLabel(FourPhotos):
    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        return Sample(sample.name, sample.image, sample.label + np.uint8(20)) if index == 2 else sample


def test_a_label_out_of_range_is_named(plain: Segmenter) -> None:
    with pytest.raises(InvalidDataError, match=r"photo 2: the label holds id 19, 20.*but there are 11 classes"):
        evaluate(plain, OneBadLabel(), progress=False)


def test_the_figures_equal_a_computation_by_hand(plain: Segmenter) -> None:
    data = FourPhotos()
    result = evaluate(plain, data, progress=False)
    known = [sample.label != 255 for sample in (data[i] for i in range(4))]
    right = [plain.segment(data[i].image)[known[i]] == data[i].label[known[i]] for i in range(4)]
    assert result.matrix.aacc == np.concatenate(right).mean()
    assert result.images == 4
    assert result.input == {"cipher": "plain"}
    assert result.bytes_per_image == np.mean([len(to_png(data[i].image)) for i in range(4)])
    assert result.names_sha256 == hashlib.sha256(b"photo 0\nphoto 1\nphoto 2\nphoto 3\n").hexdigest()


def test_independent_keys_and_sorting_score_the_same(canonical: Segmenter) -> None:
    """[Hirose 2026] with a key-invariant model: the theorem of the canonical form, seen from the figures."""
    maps: dict[str, list] = {"subblock-shuffle": [], "subblock-sort": []}
    results = {
        name: evaluate(
            canonical, FourPhotos(), own_cipher(CANONICAL, name), progress=False, on_labels=maps[name].append
        )
        for name in maps
    }
    assert (results["subblock-shuffle"].matrix.counts == results["subblock-sort"].matrix.counts).all()
    assert all((a == b).all() for a, b in zip(*maps.values(), strict=True))
    assert results["subblock-sort"].bytes_per_image < results["subblock-shuffle"].bytes_per_image


def test_a_model_is_measured_on_its_own_input_by_default(canonical: Segmenter) -> None:
    result = evaluate(canonical, FourPhotos(), progress=False, limit=2)
    assert result.images == 2
    assert result.input["cipher"] == "subblock-sort"
    assert result.input["sub_block"] == 8
    assert result.input["key"] is None


def test_the_three_protocols_of_one_key(plain: Segmenter, tmp_path: Path) -> None:
    key, other = Key.generate(), Key.generate()
    encrypt_onnx(plain.name, key, tmp_path / "encrypted")
    encrypted = Segmenter(tmp_path / "encrypted", threads=1)
    baseline = evaluate(plain, FourPhotos(), progress=False)
    correct = evaluate(encrypted, FourPhotos(), key=key, progress=False)
    assert abs(correct.matrix.aacc - baseline.matrix.aacc) < 0.002
    assert correct.input["key"] == key.fingerprint
    with pytest.raises(UsageError, match="needs a key"):
        evaluate(encrypted, FourPhotos(), progress=False)
    with pytest.raises(InvalidImageError):
        evaluate(encrypted, FourPhotos(), key=other, progress=False)
    with pytest.raises(InvalidImageError):
        evaluate(encrypted, FourPhotos(), "plain", progress=False)
    for arguments in ({"key": other}, {"cipher": "plain"}):
        result = evaluate(encrypted, FourPhotos(), **arguments, check=False, progress=False)
        assert (result.matrix.counts != baseline.matrix.counts).any()


def test_data_with_other_classes_is_refused(tmp_path: Path) -> None:
    segmenter = Segmenter(tiny_model(tmp_path / "m", classes=("road", "rest")), threads=1)
    with pytest.raises(InvalidDataError, match="11 classes but the model") as caught:
        evaluate(segmenter, FourPhotos(), progress=False)
    assert "road" in (caught.value.hint or "")


def test_data_whose_classes_have_other_names_is_refused(tmp_path: Path) -> None:
    turned = (*CAMVID_CLASSES[1:], CAMVID_CLASSES[0])
    segmenter = Segmenter(tiny_model(tmp_path / "turned", classes=turned), threads=1)
    with pytest.raises(InvalidDataError, match="class 0 of four photos is 'sky', but 'building'") as caught:
        evaluate(segmenter, FourPhotos(), progress=False)
    assert "in this order: building" in (caught.value.hint or "")
    generic = Segmenter(tiny_model(tmp_path / "generic", classes=generic_classes(11)), threads=1)
    assert evaluate(generic, FourPhotos(), progress=False, limit=1).images == 1


def test_own_cipher_takes_the_models_sizes_unless_others_are_given() -> None:
    spec = InputSpec(make_spec("subblock-sort", 32, 8))

    def chosen(name: str, sub_block: int | None = None) -> CipherSpec:
        found = own_cipher(spec, name, sub_block=sub_block)
        assert found != "plain"
        return found.spec

    for name in ("subblock-sort", "subblock-shuffle", "subblock-quartiles", "mosaic"):
        assert chosen(name) == make_spec(name, 32, 8)
    assert chosen("subblock-sort", 16) == make_spec("subblock-sort", 32, 16)
    assert chosen("patch-permutation") == make_spec("patch-permutation", 32)
    assert own_cipher(spec, "plain") == "plain"
    with pytest.raises(UsageError):
        own_cipher(spec, "rot13")


def test_a_report_says_where_its_figures_come_from(canonical: Segmenter, tmp_path: Path) -> None:
    result = evaluate(canonical, FourPhotos(), progress=False, limit=1)
    write_json(tmp_path / "r.json", {**provenance("veilseg evaluate", seed=3), **result.to_dict()})
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["command"] == "veilseg evaluate"
    assert report["version"] == veilseg.__version__
    assert report["seed"] == 3
    assert report["machine"]["cores"] >= 1
    assert report["data"] == {"name": "four photos", "images": 1, "names_sha256": result.names_sha256}
    assert report["mIoU"] == pytest.approx(100 * result.matrix.miou, abs=1e-4)
    assert list(report["per_class"]) == list(CAMVID_CLASSES)
    assert {"commit", "date", "bytes_per_image", "seconds"} <= set(report)


def test_words_for_people() -> None:
    described = {"cipher": "subblock-shuffle", "block": 16, "sub_block": 8, "key": None}
    assert input_name(described) == "subblock-shuffle, block 16, sub-block 8"
    assert percent(float("nan")) == percent(None) == "-"
    assert percent(61.634) == "61.63"
