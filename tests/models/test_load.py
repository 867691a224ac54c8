"""Models as folders: what is written, what is read, what is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.conftest import images, normalize_of, tiny_conv, tiny_setr
from veilseg.errors import InvalidModelError, VeilsegError
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig
from veilseg.models import SegmentationModel, encrypt_model, load_model, save_model
from veilseg.models.encryption.stems import find_patchify

MAKERS = {
    "naive": lambda: tiny_setr("naive"),
    "pup": lambda: tiny_setr("pup"),
    "mla": lambda: tiny_setr("mla", input="canonical", sub_block=8),
    "no bias": lambda: tiny_setr("naive", pre_norm=True),
    "convseg": lambda: tiny_conv(input="mosaic", sub_block=8),
    "permuted": lambda: encrypt_model(tiny_setr("mla"), Key.generate()),
    "rotated": lambda: encrypt_model(tiny_setr("mla"), Key.generate(), "patch-rotation"),
    "widened": lambda: encrypt_model(tiny_conv(), Key.generate(), block=16),
}


@pytest.mark.parametrize("name", MAKERS)
def test_round_trip(name, tmp_path):
    model = MAKERS[name]()
    model.config.training = {"epochs": 3}
    save_model(model, tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["config.json", "model.safetensors"]
    again = load_model(tmp_path / "a" / "b")
    pixels = images(2, 3, 48, 64)
    with torch.no_grad():
        assert torch.equal(again(pixels), model(pixels))
    assert again.config == model.config
    assert not again.training
    for parameter, before in zip(again.parameters(), model.parameters(), strict=True):
        assert not parameter.is_meta
        assert parameter.requires_grad == before.requires_grad


def test_methods_of_the_model(tmp_path):
    model = tiny_conv()
    for _ in range(2):  # which replaces what is there
        model.save_pretrained(tmp_path)
    assert ModelConfig.load(tmp_path) == model.config
    assert "image-segmentation" in (tmp_path / "README.md").read_text()
    pixels = images(1, 3, 32, 32)
    assert torch.equal(SegmentationModel.from_pretrained(tmp_path)(pixels), model(pixels))
    (tmp_path / "config.json").unlink()
    with pytest.raises(InvalidModelError, match=r"config\.json"):
        SegmentationModel.from_pretrained(tmp_path)


def test_existing_models_are_kept(tmp_path):
    save_model(tiny_conv(), tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(VeilsegError, match="exists"):
        save_model(tiny_setr("naive"), tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    save_model(tiny_setr("naive"), tmp_path, overwrite=True)
    assert load_model(tmp_path).config.architecture == "setr-naive"


def test_saved_folded(tmp_path):
    model = tiny_setr("naive")
    folded = find_patchify(model).weight.detach().clone()
    model.unfold_normalization()
    save_model(model, tmp_path)
    assert torch.allclose(find_patchify(load_model(tmp_path)).weight, folded, rtol=1e-6)
    assert not normalize_of(model).folded


@pytest.mark.parametrize("cipher", ["patch-permutation", "patch-rotation"])
@pytest.mark.parametrize("make", [lambda: tiny_setr("mla"), tiny_conv])
def test_the_plain_embedding_does_not_survive(cipher, make, tmp_path):
    """Not one row of the plain embedding, in its folded or normalized scale, is anywhere in the files."""
    model = make()
    stem = find_patchify(model)
    # As if trained: a fresh one may begin with cosines and zeros, which are no secret.
    torch.nn.init.normal_(stem.weight)
    rows = stem.weight.detach().numpy().reshape(stem.out_channels, -1)
    key = Key.generate()
    save_model(encrypt_model(model, key, cipher, 16), tmp_path)
    data = b"".join((tmp_path / name).read_bytes() for name in ("model.safetensors", "config.json"))
    runs = {data[at : at + 16] for at in range(0, len(data), 4)}  # every four numbers in a row: tensors are aligned
    assert find_patchify(load_model(tmp_path)).weight.detach().numpy().reshape(-1)[:4].tobytes() in runs
    for scale in (1.0, 127.5):
        for row in (rows * np.float32(scale)).astype(np.float32):
            assert not any(row[start : start + 4].tobytes() in runs for start in range(len(row) - 3))
    assert str(key).encode() not in data
    assert key.fingerprint.encode() in data


def test_a_damaged_file(tmp_path):
    save_model(tiny_conv(), tmp_path)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for data in (b"", whole[:-10], whole[:100], b"\xff" * 100, pickle.dumps({"a": 1})):
        path.write_bytes(data)
        with pytest.raises(InvalidModelError, match="safetensors"):
            load_model(tmp_path)
    path.unlink()
    with pytest.raises(InvalidModelError, match=r"has no model\.safetensors"):
        load_model(tmp_path)


def test_weights_that_do_not_fit(tmp_path):
    save_model(tiny_conv(), tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    name = "network.stem.weight"
    save_file({key: value for key, value in tensors.items() if key != name}, path)
    with pytest.raises(InvalidModelError, match=rf"lacks 1 tensors: {name}"):
        load_model(tmp_path)
    save_file({**tensors, "extra": torch.zeros(1)}, path)
    with pytest.raises(InvalidModelError, match="unknown 1 tensors: extra"):
        load_model(tmp_path)
    save_file({**tensors, name: torch.zeros(16, 3, 8, 8)}, path)
    with pytest.raises(InvalidModelError, match=r"\[16, 3, 8, 8\], but the config asks for \[16, 3, 4, 4\]"):
        load_model(tmp_path)


def test_a_config_that_asks_for_too_much_costs_no_memory(tmp_path):
    save_model(tiny_setr("naive"), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["arguments"]["embed_dim"] = 3 * 2**14  # a single block would take 100 gigabytes
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidModelError, match="the config asks for"):
        load_model(tmp_path)


@pytest.mark.parametrize("source", ["/nowhere/at/all", Path("nothing"), "no such", "../x/y", ""])
def test_no_model(source):
    with pytest.raises(InvalidModelError):
        load_model(source)


def test_hub(tmp_path, monkeypatch):
    import huggingface_hub
    from huggingface_hub import hub_mixin

    uploaded = tmp_path / "hub"
    private = []

    class Api:
        def __init__(self, token=None):
            pass

        def create_repo(self, repo_id, **options):
            private.append(options["private"])
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, *, repo_id, folder_path, **options):
            shutil.copytree(folder_path, uploaded)
            return f"https://hub/{repo_id}"

    def download(repo_id, *, allow_patterns, **options):
        if repo_id != "someone/streets":
            raise OSError("404")
        assert all(fnmatch(name, "*config.json") or ".safetensors" in name for name in allow_patterns)
        return str(uploaded)

    monkeypatch.setattr(hub_mixin, "HfApi", Api)
    monkeypatch.setattr(hub_mixin, "hf_hub_download", lambda filename, **_: str(uploaded / filename))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    model = tiny_conv()
    assert model.push_to_hub("someone/streets", private=True) == "https://hub/someone/streets"
    assert private == [True]
    pixels = images(1, 3, 16, 16)
    for again in (load_model("someone/streets"), SegmentationModel.from_pretrained("someone/streets")):
        # Not to the bit: where memory begins decides which of its kernels a convolution takes, on some processors.
        torch.testing.assert_close(again(pixels), model(pixels), rtol=1e-5, atol=1e-3)
    with pytest.raises(InvalidModelError, match="someone/else"):
        load_model("someone/else")


def test_half(tmp_path):
    """Kernels in float16 take half the room; what is loaded is float32 again and says the same."""
    model = tiny_conv(widths=(32, 32, 32, 32))
    save_model(model, tmp_path / "whole")
    save_model(model, tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    again = load_model(tmp_path / "half")
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    pixels = images(1, 3, 64, 64)
    with torch.no_grad():
        assert (again(pixels).argmax(1) == model(pixels).argmax(1)).float().mean() > 0.98


def test_shipped_models_load():
    model = load_model("default")
    assert model.config.input.name == "subblock-sort"
    with torch.no_grad():
        assert model(images(1, 3, 36, 48)).shape == (1, model.num_classes, 36, 48)
    assert load_model("plain").config.input.name == "plain"
