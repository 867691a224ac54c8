"""What a recipe can ask for beyond fitting labels: keys, distillation, starts from other models, one key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from veilseg import catalog
from veilseg.ciphers import InputTransform, cipher
from veilseg.data import open_data
from veilseg.errors import InvalidImageError, InvalidModelError, UsageError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.models import SegmentationModel, load_model, save_model
from veilseg.models.encryption.stems import find_patchify
from veilseg.runtime import Segmenter
from veilseg.spec import CipherSpec, make_spec
from veilseg.training import start
from veilseg.training.inputs import input_transform
from veilseg.training.load import from_dict
from veilseg.training.samples import TrainingSamples
from veilseg.training.trainer import LAST
from veilseg.training.training_run import prepare, train

VIT = {"backbone": "vit_tiny_patch16_224", "image_size": 48, "embed_dim": 24, "depth": 4, "num_heads": 2}
SETR = {"architecture": "setr-naive", "arguments": {**VIT, "decoder_channels": 8}}
CONV = {"arguments": {"widths": [8, 8, 8, 8], "depths": [0, 1, 1, 1], "decoder_width": 8}}
SHORT: dict[str, Any] = {
    "data": {"train": [{"source": "scenes:3"}], "val": {"source": "scenes:1:1"}},
    "augment": {"crop": [48, 48]},
    "train": {"steps": 2, "batch": 2, "average": 0.0},
    "machine": {"workers": 0, "threads": 1},
}


def recipe(**parts: Any) -> Any:
    return from_dict({**SHORT, **parts})


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Plain models to start from and to learn from."""
    folders = {}
    for name, model in (("conv", CONV), ("setr", SETR)):
        folders[name] = tmp_path_factory.mktemp(name)
        save_model(start.new_model(recipe(model={**model, "input": "plain"}), open_data("scenes:1")), folders[name])
    return folders


@pytest.fixture
def image() -> np.ndarray:
    return open_data("scenes:1")[0].image[:48, :96]


def seen(transform: InputTransform, image: np.ndarray, seed: int = 0) -> np.ndarray:
    """What `transform` makes of one image [H, W, 3]."""
    return transform(torch.tensor(image).permute(2, 0, 1)[None], [seed])[0].permute(1, 2, 0).numpy()


KEYED = [("patch-permutation", 16), *((name, 4) for name in catalog.of_family("conventional"))]


@pytest.mark.parametrize(("name", "block"), KEYED)
def test_networks_of_one_key_see_what_the_cipher_makes(name: str, block: int, image: np.ndarray) -> None:
    key = Key.generate()
    spec = InputSpec(CipherSpec(name, block), key.fingerprint)
    assert np.array_equal(seen(input_transform(spec, key), image), cipher(name, block).encrypt(image, key).pixels)
    for other in (None, Key.generate()):
        with pytest.raises(UsageError, match=f"of the key {key.fingerprint}"):
            input_transform(spec, other)


@pytest.mark.parametrize("name", catalog.of_family("key-invariant", "reducing"))
def test_networks_without_a_key_see_what_the_cipher_makes(name: str, image: np.ndarray) -> None:
    made = cipher(name, sub_block=8)
    transform = input_transform(InputSpec(made.spec))
    pixels = seen(transform, image)
    assert np.array_equal(pixels, seen(transform, image))
    if made.reduces:
        assert np.array_equal(pixels, made.encrypt(image).pixels)
    else:  # shuffled, and by the seed of the sample
        form = cipher("subblock-sort", sub_block=8).reduce
        assert np.array_equal(form(pixels), form(image))
        assert not np.array_equal(pixels, seen(transform, image, 1))


@pytest.mark.parametrize("keys", ["redrawn", "fixed"])
def test_keys_of_training_images(keys: str) -> None:
    """Fixed: an image's block at one place is shuffled alike every time. Redrawn: never."""
    chosen = recipe(
        model={**CONV, "input": "shuffled"},
        data={**SHORT["data"], "train": [{"source": "scenes:1"}]},
        augment={"crop": [48, 48], "scale": [1.0, 1.0], "photometric": 0.0, "flip": False},
        method={"keys": keys},
    )
    transform = input_transform(InputSpec(make_spec("subblock-shuffle")))
    given = torch.arange(48 * 48 * 3).to(torch.uint8).reshape(1, 3, 48, 48)
    recorded: list[torch.Tensor] = []

    def recording(images: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
        recorded.extend(transform(given, [seed]) for seed in seeds)
        return images

    samples = TrainingSamples(chosen, [open_data("scenes:1")], [recording])
    samples.batch([samples[0], samples[1]], torch.device("cpu"))
    assert torch.equal(*recorded) == (keys == "fixed")


@pytest.mark.parametrize("name", ["conv", "setr"])
def test_distillation_from_a_plain_teacher(name: str, plain: dict[str, Path], tmp_path: Path) -> None:
    """The teacher's own weights, on the plain crops, cost nothing; others do."""
    model = CONV if name == "conv" else SETR
    method = {"teacher": str(plain[name]), "logits": 1.0, "tokens": 1.0}
    own = prepare(recipe(model={**model, "input": "plain"}, method={**method, "start": method["teacher"]}), tmp_path)
    other = prepare(recipe(model={**model, "sub_block": 16}, method=method), tmp_path / "other")
    losses = []
    for prepared in (own, other):
        samples = prepared.data.train_samples
        batch = samples.batch([samples[0], samples[1]], torch.device("cpu"))
        assert torch.equal(batch[0], batch[1]) == (prepared is own)
        module = prepared.module.eval()
        assert module.teacher is not None
        with torch.no_grad(), module.teacher.watch(module.model) as tokens:
            scores, _ = module.model.forward_train(batch[0])
            losses.append(float(module.teacher.loss(batch[1], scores, tokens)))
    assert losses[0] < 1e-5
    assert losses[1] > 1e-2
    trained = train(own.module.recipe, tmp_path)
    assert not any("teacher" in key for key in torch.load(tmp_path / LAST, weights_only=True)["state_dict"])
    assert isinstance(trained, SegmentationModel)


def test_a_teacher_that_does_not_fit_is_refused(plain: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="feature maps"):
        prepare(recipe(model=SETR, method={"teacher": str(plain["conv"]), "tokens": 1.0}), tmp_path)


def test_closed_form_start_comes_close_to_the_plain_embedding(plain: dict[str, Path]) -> None:
    """On sorted sub-blocks the fitted embedding is closer to the plain one than the plain weights are."""
    given: dict[str, Any] = {"model": {**SETR, "input": "canonical", "sub_block": 4}, "augment": {"crop": [64, 64]}}
    chosen = recipe(**given, method={"start": str(plain["setr"]), "closed_form": True})
    data = open_data("scenes:4:3")
    samples = [data[index] for index in range(3)]
    copied = start.first_model(recipe(**given, method={"start": str(plain["setr"])}), data, samples, None)
    fitted = start.first_model(chosen, data, samples, None)
    teacher = load_model(plain["setr"])
    crop = data[3].image[:320, :480]
    sorted_crop = cipher("subblock-sort", sub_block=4).reduce(crop)
    answers = []
    for model, pixels in ((teacher, crop), (copied, sorted_crop), (fitted, sorted_crop)):
        model.fold_normalization()
        with torch.no_grad():
            stem = find_patchify(model)
            answers.append(stem(torch.tensor(pixels).permute(2, 0, 1)[None].float()))
    errors = [float((answer - answers[0]).square().mean()) for answer in answers[1:]]
    assert errors[1] < 0.7 * errors[0]  # the names of the channels are lost for good
    same = [torch.equal(p, q) for p, q in zip(fitted.state_dict().values(), copied.state_dict().values(), strict=True)]
    assert same.count(False) <= 2  # the embedding's weight and bias


def test_a_start_from_another_network_is_refused(plain: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match="another network"):
        prepare(recipe(model=SETR, method={"start": str(plain["conv"])}), tmp_path)
    wider = {**CONV, "input": "canonical", "sub_block": 8}
    with pytest.raises(UsageError, match="differ in shape"):
        prepare(recipe(model=wider, method={"start": str(plain["conv"]), "closed_form": True}), tmp_path)


@pytest.mark.parametrize("optimizer", [{"name": "adamw"}, {"name": "sgd", "learning_rate": 1e-3}])
def test_domain_adaptation_ends_with_the_plain_weights_encrypted(
    optimizer: dict, plain: dict[str, Path], tmp_path: Path
) -> None:
    """With a permutation, training on encrypted images is plain training, up to the permutation.

    Of a network whose patch is the cipher's block: a widened embedding has weights that the plain one lacks.
    """
    key = Key.generate()
    key.save(tmp_path / "my.key")
    common = {"model": {**SETR, "input": "plain"}, "optimizer": optimizer}
    method = {"start": str(plain["setr"]), "key": str(tmp_path / "my.key")}
    adapted = train(recipe(**common, method=method), tmp_path / "adapted")
    assert adapted.config.input.key_fingerprint == key.fingerprint
    plainly = train(recipe(**common, method={"start": str(plain["setr"])}), tmp_path / "plain")
    image = open_data("scenes:1:5")[0].image[:48, :96]
    encrypted = cipher("patch-permutation").encrypt(image, key).pixels
    with torch.no_grad():
        wanted = plainly(torch.tensor(image).permute(2, 0, 1)[None])
        got = adapted(torch.tensor(encrypted).permute(2, 0, 1)[None])
    before = load_model(plain["setr"])(torch.tensor(image).permute(2, 0, 1)[None])
    torch.testing.assert_close(got, wanted, rtol=1e-2, atol=1e-2)
    assert (before - wanted).abs().max() > 0.01  # it did learn something


@pytest.mark.parametrize("name", catalog.of_family("conventional"))
def test_training_on_images_of_one_key(name: str, tmp_path: Path) -> None:
    """[Kiya 2022], Table 2: the network reads images of its key, from files as in training, and refuses others."""
    key = Key.generate()
    key.save(tmp_path / "my.key")
    model = {**CONV, "input": name, "block": 4}
    trained = train(recipe(model=model, method={"key": str(tmp_path / "my.key")}), tmp_path / "run")
    assert trained.config.input == InputSpec(CipherSpec(name, 4), key.fingerprint)
    assert key.fingerprint in (tmp_path / "run" / "config.json").read_text()
    image = open_data("scenes:1:5")[0].image[:62, :94]
    segmenter = Segmenter(tmp_path / "run", threads=1)
    assert segmenter.segment(cipher(name, block=4).encrypt(image, key)).shape == (62, 94)
    for wrong in (
        cipher(name, block=4).encrypt(image, Key.generate()),
        cipher(name, block=8).encrypt(image, key),
        image,
    ):
        with pytest.raises(InvalidImageError):
            segmenter.segment(wrong)


def test_a_teacher_that_is_asked_once_per_image(plain: dict[str, Path], tmp_path: Path) -> None:
    """Its answers are cut as the labels are; tokens, which belong to crops, cannot be asked for."""
    chosen = recipe(model={**CONV, "input": "plain"}, method={"teacher": str(plain["conv"]), "answers": "image"})
    run = prepare(chosen, tmp_path)
    samples, teacher = run.data.train_samples, run.module.teacher
    images, answers, labels = samples.batch([samples[0], samples[1]], torch.device("cpu"))
    assert teacher is not None
    assert answers.shape == (2, samples.num_classes, images.shape[2] // 2, images.shape[3] // 2)
    assert labels.shape == (2, *images.shape[2:])
    assert teacher.loss(answers, answers, []) == pytest.approx(0, abs=1e-5)
    assert teacher.loss(answers, answers.flip(1), []) > 0
    with pytest.raises(UsageError, match="answers needs"):
        recipe(model=CONV, method={"answers": "image"})
    with pytest.raises(UsageError, match="compares crops"):
        recipe(model=CONV, method={"teacher": str(plain["conv"]), "answers": "image", "tokens": 1.0})
