"""Every encryption proves itself: what agrees passes, and what does not is refused with the true reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.models import families
from tests.models.conftest import tiny_conv, tiny_setr
from tests.models.encrypted import CIPHERS, KEYS
from veilseg.cli.main import main
from veilseg.errors import InvalidKeyError, InvalidModelError
from veilseg.keys import Key
from veilseg.models import encrypt_model, rekey_model, verify_encryption
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.encryption.trial import distance

VISION: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 64,
    "patch_size": 16,
}
TEXT: dict[str, Any] = {**VISION, "vocab_size": 64, "max_position_embeddings": 16, "eos_token_id": 2}
del TEXT["image_size"], TEXT["patch_size"]


class Network(nn.Module):
    """A patch embedding and a head, with what a test wants to happen to the image before or beside it."""

    def __init__(self, kind: str = "ordinary") -> None:
        super().__init__()
        self.kind = kind
        self.stem = nn.Conv2d(3, 32, 8, stride=8)
        self.head = nn.Conv2d(32, 5, 1)

    def forward(self, images: Tensor) -> Tensor:
        seen = images
        if self.kind == "resizes":
            seen = F.interpolate(images, scale_factor=2.0)
        if self.kind == "standardises":
            seen = (images - images.mean(dim=(2, 3), keepdim=True)) / images.std()
        answer: Tensor = self.head(self.stem(seen))
        if self.kind == "head reads it too":
            answer = answer + F.avg_pool2d(images, 8).amax(1, keepdim=True)
        return answer


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_agrees_passes(cipher: str) -> None:
    model = Network()
    proof = verify_encryption(model, encrypt_model(model, KEYS[0], cipher), KEYS[0])
    assert proof.right < 3e-2
    assert min(proof.wrong, proof.none) > 0.2
    ours = tiny_setr("naive")
    assert verify_encryption(ours, encrypt_model(ours, KEYS[0]), KEYS[0]).right < 1e-4


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("resizes", "changes the image"), ("standardises", "changes the image"), ("head reads it too", "another part")],
)
def test_networks_that_do_more_with_the_image(kind: str, reason: str) -> None:
    with pytest.raises(InvalidModelError, match=reason):
        encrypt_model(Network(kind), KEYS[0])
    encrypt_model(Network(kind), KEYS[0], verify=False)


def test_what_was_not_encrypted_with_this_key() -> None:
    model = Network()
    encrypted = encrypt_model(model, KEYS[0])
    with pytest.raises(InvalidKeyError):
        verify_encryption(model, encrypted, KEYS[1])
    with pytest.raises(InvalidModelError, match="not encrypted"):
        verify_encryption(model, model, KEYS[0])
    with torch.no_grad():
        encrypted.stem.weight.copy_(model.stem.weight)  # marked, and plain
    with pytest.raises(InvalidModelError, match="other weights"):
        verify_encryption(model, encrypted, KEYS[0])


def test_blocks_larger_than_patches_are_compared_by_their_answers() -> None:
    model = tiny_conv()
    encrypted = encrypt_model(model, KEYS[0])
    assert find_patchify(encrypted).kernel_size != find_patchify(model).kernel_size
    proof = verify_encryption(model, encrypted, KEYS[0])
    assert 0.2 < min(proof.wrong, proof.none) <= max(proof.wrong, proof.none) < 100
    with torch.no_grad():  # the answers no longer depend on the image
        for network in (model, encrypted):
            network.get_parameter("network.head.0.weight").zero_()
    with pytest.raises(InvalidModelError, match="the key protects nothing"):
        verify_encryption(model, encrypted, KEYS[0])


def test_a_network_that_cannot_be_run() -> None:
    class Pair(Network):
        def forward(self, images: Tensor, more: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(images + more)

    with pytest.raises(InvalidModelError, match="missing 1 required"):
        encrypt_model(Pair(), KEYS[0])


def test_padding_and_adapters_have_their_own_reason() -> None:
    small: dict[str, Any] = {"embed_dim": 24, "depth": 1, "num_heads": 2, "img_size": 64, "num_classes": 5}
    padding = timm.create_model("vit_tiny_patch16_224", **small, dynamic_img_size=True, dynamic_img_pad=True)
    with pytest.raises(InvalidModelError, match="pads images"):
        encrypt_model(padding, KEYS[0])

    class Adapter(nn.Module):  # as PEFT builds it around a convolution
        def __init__(self) -> None:
            super().__init__()
            self.base_layer = nn.Conv2d(3, 8, 4, stride=4)
            self.lora_A = nn.Conv2d(3, 2, 4, stride=4)

    for path in (None, "0.base_layer"):
        with pytest.raises(InvalidModelError, match="Adapter adapts") as caught:
            encrypt_model(nn.Sequential(Adapter()), KEYS[0], stem=path)
        assert "merge" in str(caught.value.hint)


def test_the_measure_itself() -> None:
    wanted = [np.array([0.0, 2.0, 4.0, 6.0]), np.full(3, 5.0)]
    assert distance(wanted, wanted) == 0
    assert distance([wanted[0] + 1, wanted[1]], wanted) == pytest.approx(1 / wanted[0].std())
    assert distance([wanted[0]], wanted) == distance([wanted[0][:2], wanted[1]], wanted) == float("inf")
    assert distance([np.array([0.0, np.nan, 4.0, 6.0]), wanted[1]], wanted) == float("inf")


def clip(name: str) -> nn.Module:
    """Networks of transformers whose patch convolution has no bias."""
    import transformers as t

    if name == "clip":
        return t.CLIPVisionModel(t.CLIPVisionConfig(**VISION))
    layers: dict[str, Any] = {
        "extract_layers": [0, 1],
        "reduce_dim": 8,
        "decoder_num_attention_heads": 2,
        "projection_dim": 16,
    }
    config = t.CLIPSegConfig(text_config=TEXT, vision_config=VISION, decoder_intermediate_size=16, **layers)
    return t.CLIPSegForImageSegmentation(config)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("name", ["clip", "clipseg"])
def test_stems_without_bias_of_transformers(name: str, cipher: str, keys: list[Key]) -> None:
    """The bias goes into the position embeddings, so that the library's own class loads what was saved."""
    import transformers as t

    plain = families.wake(clip(name))
    plain.save_pretrained("source")  # type: ignore[operator]
    processor = t.ViTImageProcessor(size={"height": 64, "width": 64})
    processor.save_pretrained("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "--cipher", cipher, "-o", "encrypted"]) == 0
    assert main(["rekey-model", "encrypted", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    for folder, key in (("encrypted", keys[0]), ("moved", keys[1])):
        loaded = type(plain).from_pretrained(folder)  # type: ignore[attr-defined]
        assert find_patchify(loaded).bias is None
        assert verify_encryption(plain, loaded, key, processor=processor).right < 5e-3


def test_stems_without_bias_of_timm() -> None:
    small: dict[str, Any] = {"embed_dim": 24, "depth": 1, "num_heads": 2, "img_size": 64, "num_classes": 5}
    plain = families.wake(timm.create_model("vit_base_patch16_clip_224", **small))
    half = (0.5, 0.5, 0.5)
    encrypted = encrypt_model(plain, KEYS[0], mean=half, std=half)
    assert encrypted.state_dict().keys() == plain.state_dict().keys()
    moved = rekey_model(encrypted, KEYS[0], KEYS[1])
    again = timm.create_model("vit_base_patch16_clip_224", **small)
    again.load_state_dict(moved.state_dict())
    assert verify_encryption(plain, again, KEYS[1], mean=half, std=half).right < 1e-4


def test_nothing_is_written_that_does_not_agree(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    """A network without bias and without positions: its library has no place for what the key needs."""
    from timm.models import save_for_hf

    small: dict[str, Any] = {"depths": (1, 1, 1, 1), "dims": (8, 8, 12, 12), "num_classes": 5, "conv_bias": True}
    plain: Any = families.wake(timm.create_model("convnext_atto", **small))
    plain.stem[0].bias = None
    save_for_hf(plain, "source", safe_serialization=True, model_args=small)
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 1
    assert not Path("encrypted").exists()
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []
    capsys.readouterr()
