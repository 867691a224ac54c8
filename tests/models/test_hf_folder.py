"""Folders of transformers: encrypted by the command, loaded by the library that they came from."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.models import families
from tests.models.folders import photo, processor, saved, stored
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.errors import InvalidImageError, InvalidModelError
from veilseg.keys import Key
from veilseg.models import client_images, encrypt_model, load_model, save_model
from veilseg.models.encryption.stems import find_patchify
from veilseg.runtime import Segmenter


@pytest.mark.parametrize("cipher", ["patch-permutation", "patch-rotation"])
@pytest.mark.parametrize("name", ["beit", "upernet-swin", "upernet-convnext", "dpt", "eomt", "mask2former-swin"])
@torch.no_grad()
def test_the_encrypted_folder_answers_as_the_plain_one(name: str, cipher: str, keys: list[Key]) -> None:
    """Through files only: plain folder and its processor, against encrypted folder, client's part and image file."""
    import transformers

    plain = saved(name)
    assert main(["encrypt-model", "source", "--key", "my.key", "--cipher", cipher, "-o", "encrypted"]) == 0
    config = json.loads(Path("encrypted/config.json").read_text())
    block = find_patchify(plain).kernel_size[0]
    assert config["veilseg"] == {"cipher": cipher, "block": block, "key_fingerprint": keys[0].fingerprint}
    encrypted_model = type(plain).from_pretrained("encrypted").eval()  # type: ignore[attr-defined]
    given = processor(name)(images=photo(), return_tensors="pt")["pixel_values"]
    wanted = families.outputs(plain, given)
    (prepared,) = client_images("encrypted", photo())
    assert prepared.dtype == np.uint8
    (before,) = client_images(processor(name), photo())
    assert np.array_equal(prepared, before)
    encrypted = ciphers.cipher(cipher, block=block).encrypt(prepared, keys[0])
    got = families.outputs(encrypted_model, stored(encrypted))
    for g, w in zip(got, wanted, strict=True):
        assert w.std() > 0.01
        # Padding after normalization is the mean, which whole values only come near; rotated values are rounded.
        rounded = name == "mask2former-swin" or cipher == "patch-rotation"
        assert (g - w).abs().mean() < (0.02 if rounded else 2e-5) * w.std()
    rest = transformers.AutoImageProcessor.from_pretrained("encrypted")
    assert not rest.do_normalize
    assert not rest.do_rescale
    raw = rest(images=photo(), return_tensors="np")["pixel_values"]
    assert raw.dtype == np.uint8 or raw.max() > 2, "raw values, and nobody normalizes twice"


def test_plain_weights_are_not_in_the_folder(keys: list[Key]) -> None:
    weight = find_patchify(saved("beit")).weight.detach().numpy()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    data = b"".join(path.read_bytes() for path in Path("encrypted").iterdir())
    source = b"".join(path.read_bytes() for path in Path("source").iterdir())
    assert all(row.tobytes() in source for row in weight.reshape(-1, 16))
    assert not any(row.tobytes() in data for row in weight.reshape(-1, 16))
    assert not any(secret in data for secret in (str(keys[0]).encode(), keys[0].derive("patch-permutation")))
    same = {name for name, value in load_file("source/model.safetensors").items()
            if torch.equal(value, load_file("encrypted/model.safetensors")[name])}  # fmt: skip
    changed = set(load_file("source/model.safetensors")) - same
    assert all("patch_embeddings.projection" in name for name in changed)
    assert len(changed) == 2


def test_segmenter_and_command_tell_a_wrong_key(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    source = saved("upernet-swin")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    plain, encrypted_model = Segmenter("source"), Segmenter("encrypted")
    assert encrypted_model.classes == tuple(f"thing {index}" for index in range(families.CLASSES))
    (prepared,) = client_images("encrypted", photo())
    right, wrong = (ciphers.cipher("patch-permutation", block=4).encrypt(prepared, key) for key in keys)
    labels = encrypted_model.segment(right)
    assert len(np.unique(labels)) > 1
    assert np.mean(labels == plain.segment(prepared)) > 0.999
    with pytest.raises(InvalidImageError, match=keys[1].fingerprint):
        encrypted_model.segment(wrong)
    with pytest.raises(InvalidImageError, match="not plain ones"):
        encrypted_model.segment(prepared)
    assert np.mean(encrypted_model.segment(wrong, check=False) == labels) < 0.99
    wrong.save("wrong.png")
    right.save("right.png")
    assert main(["segment", "wrong.png", "--model", "encrypted", "-o", "map.png"]) == 1
    assert keys[0].fingerprint in capsys.readouterr().err
    assert main(["segment", "right.png", "--model", "encrypted", "-o", "map.png"]) == 0
    with Image.open("map.png") as image:
        assert np.array_equal(np.asarray(image), labels)
    # The module itself, encrypted in memory, says it too.
    given = encrypt_model(source, keys[0], processor=processor("upernet-swin"))
    direct = Segmenter(given)
    assert np.array_equal(direct.segment(right), labels)
    with pytest.raises(InvalidImageError, match=keys[1].fingerprint):
        direct.segment(wrong)
    with pytest.raises(InvalidModelError, match="normalized"):
        Segmenter(source)
    with pytest.raises(InvalidModelError, match="its own library"):
        save_model(load_model("encrypted"), "again")


def test_rekey_and_refusals(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    plain = saved("upernet-convnext")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    assert main(["rekey-model", "encrypted", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    assert main(["encrypt-model", "source", "--key", "next.key", "-o", "direct"]) == 0
    moved, direct = (load_file(f"{folder}/model.safetensors") for folder in ("moved", "direct"))
    assert all(torch.allclose(moved[name], direct[name], rtol=3e-7, atol=0) for name in direct)
    assert [Path(f"{folder}/preprocessor_config.json").read_text() for folder in ("moved",)] == [
        Path("direct/preprocessor_config.json").read_text()
    ]
    capsys.readouterr()
    for arguments, words in (
        (["rekey-model", "encrypted", "--old", "next.key", "--new", "my.key", "-o", "no"], keys[0].fingerprint),
        (["rekey-model", "source", "--old", "my.key", "--new", "next.key", "-o", "no"], "not encrypted"),
        (["encrypt-model", "encrypted", "--key", "next.key", "-o", "no"], "encrypted already"),
        (["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"], "--force"),
    ):
        assert main(arguments) == 1
        assert words in capsys.readouterr().err
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "no", "--block", "8"]) == 2
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "no", "--onnx"]) == 2
    assert not Path("no").exists()
    assert main(["encrypt-model", "source", "--key", "next.key", "-o", "encrypted", "--force"]) == 0
    assert json.loads(Path("encrypted/config.json").read_text())["veilseg"]["key_fingerprint"] == keys[1].fingerprint
    # Plain weights of another format beside the encrypted ones would make the encryption pointless.
    torch.save(plain.state_dict(), "source/pytorch_model.bin")
    before = Path("source/config.json").read_bytes()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "source", "--force"]) == 1
    assert "pytorch_model.bin" in capsys.readouterr().err
    assert Path("source/config.json").read_bytes() == before
    assert not list(Path().glob(".*"))


def test_folders_that_cannot_be_encrypted(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    plain = saved("beit")
    Path("source/preprocessor_config.json").unlink()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert "normalized" in capsys.readouterr().err
    processor("beit").save_pretrained("source")
    weights = Path("source/model.safetensors")
    torch.save(plain.state_dict(), "source/pytorch_model.bin")
    weights.unlink()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert "pickled weights are not read" in capsys.readouterr().err
    config = json.loads(Path("source/config.json").read_text())
    Path("source/config.json").write_text(json.dumps({**config, "architectures": ["Subprocess"]}))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert "names no model class" in capsys.readouterr().err
    Path("source/config.json").write_text(json.dumps({**config, "veilseg": {"cipher": "patch-permutation"}}))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    Path("source/config.json").write_text("{}")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert not Path("encrypted").exists()


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_no_code_of_a_folder_runs_whatever_is_answered(
    keys: list[Key], file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved("beit")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    Path("source/evil.py").write_text("open('ran', 'w').close()\nclass Evil: pass\n")
    path = Path("source") / file
    names = ("AutoConfig", "AutoImageProcessor")
    found = json.loads(path.read_text())
    found |= {"model_type": "evil", "image_processor_type": "Evil", "auto_map": dict.fromkeys(names, "evil.Evil")}
    path.write_text(json.dumps(found))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    said = capsys.readouterr()
    assert "error: " in said.err
    assert "y/N" not in said.out + said.err
    assert not Path("ran").exists()


def test_bfloat16_folders(keys: list[Key]) -> None:
    """A permutation keeps the precision of the file; a rotation needs float32, and the file says so."""
    model: Any = saved("beit")
    model.bfloat16().save_pretrained("source")
    for cipher, dtype in (("patch-permutation", torch.bfloat16), ("patch-rotation", torch.float32)):
        folder = f"encrypted-{cipher}"
        assert main(["encrypt-model", "source", "--key", "my.key", "--cipher", cipher, "-o", folder]) == 0
        values = load_file(f"{folder}/model.safetensors").values()
        assert {value.dtype for value in values if value.is_floating_point()} == {dtype}
        assert type(model).from_pretrained(folder).dtype == dtype


def test_a_hub_id_is_a_folder_that_is_fetched(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    saved("upernet-convnext", "fetched")
    asked = []

    def fetch(name: str, **options: Any) -> str:
        asked.append((name, options["allow_patterns"]))
        return "fetched"

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert main(["encrypt-model", "someone/upernet", "--key", "my.key", "-o", "encrypted"]) == 0
    assert json.loads(Path("encrypted/config.json").read_text())["veilseg"]["key_fingerprint"] == keys[0].fingerprint
    assert asked[0][0] == "someone/upernet"
    assert not any(pattern.endswith((".bin", ".py", ".pth")) for pattern in asked[0][1])


def test_weights_that_are_missing_are_not_made_up(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import save_file

    saved("upernet-convnext")
    weights = load_file("source/model.safetensors")
    del weights["decode_head.classifier.weight"]
    save_file(weights, "source/model.safetensors", metadata={"format": "pt"})
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert "decode_head.classifier.weight" in capsys.readouterr().err
