"""Folders of transformers and timm: encrypted by the command, loaded by the library that they came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import nn

from tests.models import families
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.errors import InvalidImage, InvalidModel
from veilseg.keys import Key
from veilseg.models import client_images, encrypt_model, load_model, save_model
from veilseg.models.stems import find_patchify
from veilseg.runtime import Segmenter


def processor(name: str) -> Any:
    import transformers as t

    return {
        "beit": lambda: t.BeitImageProcessor(size={"height": 64, "width": 64}),
        "upernet-swin": lambda: t.SegformerImageProcessor(size={"height": 64, "width": 96}),
        "upernet-convnext": lambda: t.SegformerImageProcessor(size={"height": 96, "width": 64}),
        "dpt": lambda: t.DPTImageProcessor(size={"height": 64, "width": 64}),
        "eomt": lambda: t.EomtImageProcessor(
            size={"shortest_edge": 64, "longest_edge": 64}, do_split_image=False, do_pad=True
        ),
        "mask2former-swin": lambda: t.Mask2FormerImageProcessor(
            size={"shortest_edge": 64, "longest_edge": 96}, size_divisor=32
        ),
    }[name]()


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Key]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEILSEG_KEY_FILE", raising=False)
    made = [Key.generate(), Key.generate()]
    for key, name in zip(made, ("my.key", "next.key"), strict=True):
        key.save(tmp_path / name)
    return made


def saved(name: str, folder: str = "source") -> nn.Module:
    """A family's network and its image processor, saved as their library saves them."""
    torch.manual_seed(0)
    model = families.wake(families.TRANSFORMERS[name]())
    model.save_pretrained(folder)  # type: ignore[operator]
    processor(name).save_pretrained(folder)
    return model


def photo(height: int = 90, width: int = 120) -> np.ndarray:
    tiles = np.random.default_rng(5).integers(0, 200, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
    return np.repeat(np.repeat(tiles, 6, 0), 6, 1)[:height, :width].copy()


def stored(encrypted: ciphers.EncryptedImage) -> torch.Tensor:
    return torch.from_numpy(np.asarray(encrypted).astype(np.float32)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("cipher", ["patch-permutation", "patch-rotation"])
@pytest.mark.parametrize("name", ["beit", "upernet-swin", "upernet-convnext", "dpt", "eomt", "mask2former-swin"])
@torch.no_grad()
def test_the_encrypted_folder_answers_as_the_plain_one(name: str, cipher: str, keys: list[Key]) -> None:
    """Through files only: plain folder and its processor, against encrypted folder, client's part and image file."""
    import transformers

    plain = saved(name)
    assert main(["encrypt-model", "source", "--key", "my.key", "--cipher", cipher, "-o", "locked"]) == 0
    config = json.loads(Path("locked/config.json").read_text())
    block = find_patchify(plain).kernel_size[0]
    assert config["veilseg"] == {"cipher": cipher, "block": block, "key_fingerprint": keys[0].fingerprint}
    locked = type(plain).from_pretrained("locked").eval()  # type: ignore[attr-defined]
    given = processor(name)(images=photo(), return_tensors="pt")["pixel_values"]
    wanted = families.outputs(plain, given)
    (prepared,) = client_images("locked", photo())
    assert prepared.dtype == np.uint8
    (before,) = client_images(processor(name), photo())
    assert np.array_equal(prepared, before)
    encrypted = ciphers.cipher(cipher, block=block).encrypt(prepared, keys[0])
    got = families.outputs(locked, stored(encrypted))
    for g, w in zip(got, wanted, strict=True):
        assert w.std() > 0.01
        # Padding after normalization is the mean, which whole values only come near; rotated values are rounded.
        rounded = name == "mask2former-swin" or cipher == "patch-rotation"
        assert (g - w).abs().mean() < (0.02 if rounded else 2e-5) * w.std()
    rest = transformers.AutoImageProcessor.from_pretrained("locked")
    assert not rest.do_normalize
    assert not rest.do_rescale
    raw = rest(images=photo(), return_tensors="np")["pixel_values"]
    assert raw.dtype == np.uint8 or raw.max() > 2, "raw values, and nobody normalizes twice"


def test_plain_weights_are_not_in_the_folder(keys: list[Key]) -> None:
    weight = find_patchify(saved("beit")).weight.detach().numpy()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 0
    data = b"".join(path.read_bytes() for path in Path("locked").iterdir())
    source = b"".join(path.read_bytes() for path in Path("source").iterdir())
    assert all(row.tobytes() in source for row in weight.reshape(-1, 16))
    assert not any(row.tobytes() in data for row in weight.reshape(-1, 16))
    assert not any(secret in data for secret in (str(keys[0]).encode(), keys[0].derive("patch-permutation")))
    same = {name for name, value in load_file("source/model.safetensors").items()
            if torch.equal(value, load_file("locked/model.safetensors")[name])}  # fmt: skip
    changed = set(load_file("source/model.safetensors")) - same
    assert all("patch_embeddings.projection" in name for name in changed)
    assert len(changed) == 2


def test_segmenter_and_command_tell_a_wrong_key(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    source = saved("upernet-swin")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 0
    plain, locked = Segmenter("source"), Segmenter("locked")
    assert locked.classes == tuple(f"thing {index}" for index in range(families.CLASSES))
    (prepared,) = client_images("locked", photo())
    right, wrong = (ciphers.cipher("patch-permutation", block=4).encrypt(prepared, key) for key in keys)
    labels = locked.segment(right)
    assert len(np.unique(labels)) > 1
    assert np.mean(labels == plain.segment(prepared)) > 0.999
    with pytest.raises(InvalidImage, match=keys[1].fingerprint):
        locked.segment(wrong)
    with pytest.raises(InvalidImage, match="not plain ones"):
        locked.segment(prepared)
    assert np.mean(locked.segment(wrong, check=False) == labels) < 0.99
    wrong.save("wrong.png")
    right.save("right.png")
    assert main(["segment", "wrong.png", "--model", "locked", "-o", "map.png"]) == 1
    assert keys[0].fingerprint in capsys.readouterr().err
    assert main(["segment", "right.png", "--model", "locked", "-o", "map.png"]) == 0
    with Image.open("map.png") as image:
        assert np.array_equal(np.asarray(image), labels)
    # The module itself, encrypted in memory, says it too.
    given = encrypt_model(source, keys[0], processor=processor("upernet-swin"))
    direct = Segmenter(given)
    assert np.array_equal(direct.segment(right), labels)
    with pytest.raises(InvalidImage, match=keys[1].fingerprint):
        direct.segment(wrong)
    with pytest.raises(InvalidModel, match="normalized"):
        Segmenter(source)
    with pytest.raises(InvalidModel, match="its own library"):
        save_model(load_model("locked"), "again")


def test_rekey_and_refusals(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    plain = saved("upernet-convnext")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 0
    assert main(["rekey-model", "locked", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    assert main(["encrypt-model", "source", "--key", "next.key", "-o", "direct"]) == 0
    moved, direct = (load_file(f"{folder}/model.safetensors") for folder in ("moved", "direct"))
    assert all(torch.equal(moved[name], direct[name]) for name in direct)
    assert [Path(f"{folder}/preprocessor_config.json").read_text() for folder in ("moved",)] == [
        Path("direct/preprocessor_config.json").read_text()
    ]
    capsys.readouterr()
    for arguments, words in (
        (["rekey-model", "locked", "--old", "next.key", "--new", "my.key", "-o", "no"], keys[0].fingerprint),
        (["rekey-model", "source", "--old", "my.key", "--new", "next.key", "-o", "no"], "not encrypted"),
        (["encrypt-model", "locked", "--key", "next.key", "-o", "no"], "encrypted already"),
        (["encrypt-model", "source", "--key", "my.key", "-o", "locked"], "--force"),
    ):
        assert main(arguments) == 1
        assert words in capsys.readouterr().err
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "no", "--block", "8"]) == 2
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "no", "--onnx"]) == 2
    assert not Path("no").exists()
    assert main(["encrypt-model", "source", "--key", "next.key", "-o", "locked", "--force"]) == 0
    assert json.loads(Path("locked/config.json").read_text())["veilseg"]["key_fingerprint"] == keys[1].fingerprint
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
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    assert "normalized" in capsys.readouterr().err
    processor("beit").save_pretrained("source")
    weights = Path("source/model.safetensors")
    torch.save(plain.state_dict(), "source/pytorch_model.bin")
    weights.unlink()
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    assert "pickled weights are not read" in capsys.readouterr().err
    config = json.loads(Path("source/config.json").read_text())
    Path("source/config.json").write_text(json.dumps({**config, "architectures": ["Subprocess"]}))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    assert "names no model class" in capsys.readouterr().err
    Path("source/config.json").write_text(json.dumps({**config, "veilseg": {"cipher": "patch-permutation"}}))
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    Path("source/config.json").write_text("{}")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    assert not Path("locked").exists()


def test_bfloat16_folders(keys: list[Key]) -> None:
    """A permutation keeps the precision of the file; a rotation needs float32, and the file says so."""
    model = saved("beit")
    model.bfloat16().save_pretrained("source")
    for cipher, dtype in (("patch-permutation", torch.bfloat16), ("patch-rotation", torch.float32)):
        folder = f"locked-{cipher}"
        assert main(["encrypt-model", "source", "--key", "my.key", "--cipher", cipher, "-o", folder]) == 0
        values = load_file(f"{folder}/model.safetensors").values()
        assert {value.dtype for value in values if value.is_floating_point()} == {dtype}
        assert type(model).from_pretrained(folder).dtype == dtype  # type: ignore[attr-defined]


@torch.no_grad()
def test_timm_folders(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image
    from timm.data import create_transform, resolve_model_data_config
    from timm.models import save_for_hf

    plain = families.wake(timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 12, 12), num_classes=5))
    save_for_hf(plain, "source", safe_serialization=True)
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 0
    assert main(["rekey-model", "locked", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    image = Image.fromarray(photo(64, 96))
    wanted = plain(create_transform(**{**resolve_model_data_config(plain), "input_size": (3, 64, 96)})(image)[None])
    transform = create_transform(**{**resolve_model_data_config(plain), "input_size": (3, 64, 96)})
    resized = np.asarray(transform.transforms[1](transform.transforms[0](image)))
    for folder, key in (("locked", keys[0]), ("moved", keys[1])):
        locked = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        encrypted = ciphers.cipher("patch-permutation", block=4).encrypt(resized, key)
        # timm's own statistics for the encrypted model give raw values: nobody normalizes twice.
        data = resolve_model_data_config(locked)
        fraction = stored(encrypted) / 255
        raw = (fraction - torch.tensor(data["mean"])[:, None, None]) / torch.tensor(data["std"])[:, None, None]
        assert torch.allclose(raw, stored(encrypted))
        assert (locked(raw) - wanted).abs().max() < 1e-4 * wanted.std()
        assert json.loads(Path(folder, "config.json").read_text())["veilseg"]["key_fingerprint"] == key.fingerprint
    capsys.readouterr()
    assert main(["encrypt-model", "locked", "--key", "my.key", "-o", "no"]) == 1
    assert "encrypted already" in capsys.readouterr().err
    assert main(["rekey-model", "locked", "--old", "next.key", "--new", "my.key", "-o", "no"]) == 1


@pytest.mark.parametrize("name", ["sam", "split"])
@torch.no_grad()
def test_the_clients_part_of_other_processors(name: str) -> None:
    """SAM pads after normalizing; EoMT for semantic maps cuts an image into windows."""
    import transformers as t

    if name == "sam":
        made = t.SamImageProcessor(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    else:
        made = t.EomtImageProcessor(size={"shortest_edge": 64, "longest_edge": None}, do_split_image=True)
    given = made(images=photo(60, 140), return_tensors="np")["pixel_values"]
    prepared = client_images(made, photo(60, 140))
    assert len(prepared) == len(given) == (1 if name == "sam" else 3)
    mean, std = np.array(made.image_mean), np.array(made.image_std)
    for pixels, wanted in zip(prepared, given, strict=True):
        back = (pixels / 255 - mean) / std
        assert back.shape == (*wanted.shape[1:], 3)
        error = np.abs(back - wanted.transpose(1, 2, 0))
        assert error.max() < (0.5 / 255 / std.min() if name == "sam" else 1e-5)


def test_processors_that_do_not_say_how(keys: list[Key]) -> None:
    with pytest.raises(InvalidModel, match="no image processor"):
        client_images(".", photo())


def test_a_hub_id_is_a_folder_that_is_fetched(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    saved("upernet-convnext", "fetched")
    asked = []

    def fetch(name: str, **options: Any) -> str:
        asked.append((name, options["allow_patterns"]))
        return "fetched"

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert main(["encrypt-model", "someone/upernet", "--key", "my.key", "-o", "locked"]) == 0
    assert json.loads(Path("locked/config.json").read_text())["veilseg"]["key_fingerprint"] == keys[0].fingerprint
    assert asked[0][0] == "someone/upernet"
    assert not any(pattern.endswith((".bin", ".py", ".pth")) for pattern in asked[0][1])


def test_weights_that_are_missing_are_not_made_up(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import save_file

    saved("upernet-convnext")
    weights = load_file("source/model.safetensors")
    del weights["decode_head.classifier.weight"]
    save_file(weights, "source/model.safetensors", metadata={"format": "pt"})
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 1
    assert "decode_head.classifier.weight" in capsys.readouterr().err


def test_a_whole_sam(keys: list[Key]) -> None:
    """SAM with its decoder and its processor of two parts."""
    import transformers as t

    size = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 32}
    vision = t.SamVisionConfig(**size, image_size=64, output_channels=8, window_size=2, global_attn_indexes=[1])
    prompt = t.SamPromptEncoderConfig(hidden_size=8, image_size=64, image_embedding_size=4)
    mask = t.SamMaskDecoderConfig(
        hidden_size=8, mlp_dim=8, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=8
    )
    model = families.wake(
        t.SamModel(t.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=mask))
    )
    model.save_pretrained("source")
    pad = {"height": 64, "width": 64}
    t.SamProcessor(t.SamImageProcessor(size={"longest_edge": 64}, pad_size=pad)).save_pretrained("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "locked"]) == 0
    (pixels,) = client_images("locked", photo(48, 64))
    encrypted = ciphers.cipher("patch-permutation", block=16).encrypt(pixels, keys[0])
    locked = t.SamModel.from_pretrained("locked").eval()
    given = t.SamProcessor.from_pretrained("source")(images=photo(48, 64), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        wanted, got = model.get_image_embeddings(given), locked.get_image_embeddings(stored(encrypted))
        wanted, got = (x if isinstance(x, torch.Tensor) else x[0] for x in (wanted, got))
    assert (got - wanted).abs().mean() < 0.02 * wanted.std()  # padding is the mean in whole values
