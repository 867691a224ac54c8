"""Stems that are no square convolution of images: oblong patches, videos, and products with patches cut before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from tests.models import families
from tests.models.encrypted import CIPHERS, KEYS
from tests.models.folders import photo
from tests.models.test_verify import VISION
from veilseg.ciphers import cipher
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.keys import Key
from veilseg.models import client_images, encrypt_model, rekey_model, verify_encryption
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.stems import block_of, find_stem

HALF = (0.5, 0.5, 0.5)


class Oblong(nn.Module):
    """Patches of 16 x 8 or 8 x 12 pixels, and a head."""

    def __init__(self, patch: tuple[int, int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, patch, stride=patch)
        self.head = nn.Conv2d(32, 5, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.stem(images).tanh())


class Cut(nn.Module):
    """Patches cut by the network in an order of its own, then a Linear; as in vit-pytorch, or by unfold."""

    def __init__(self, *, channels_last: bool, normalized: bool = False) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.normalize: nn.Module = nn.LayerNorm(192) if normalized else nn.Identity()
        self.to_patch_embedding = nn.Linear(192, 24)

    def forward(self, images: Tensor) -> Tensor:
        patches = nn.functional.unfold(images, 8, stride=8).transpose(1, 2)
        if self.channels_last:
            patches = patches.unflatten(2, (3, 64)).transpose(2, 3).flatten(2)
        return self.to_patch_embedding(self.normalize(patches)).tanh()


def video(name: str) -> nn.Module:
    """Small networks of transformers that read videos of 8 frames."""
    import transformers as t

    if name == "videomae":
        return t.VideoMAEForVideoClassification(t.VideoMAEConfig(**VISION, num_frames=8, tubelet_size=2))
    if name == "vivit":
        return t.VivitForVideoClassification(t.VivitConfig(**VISION, num_frames=8, tubelet_size=[4, 16, 16]))
    if name == "timesformer":
        return t.TimesformerForVideoClassification(t.TimesformerConfig(**VISION, num_frames=8))
    return t.VJEPA2Model(
        t.VJEPA2Config(
            patch_size=16, crop_size=64, frames_per_clip=8, tubelet_size=2, hidden_size=24, num_attention_heads=2,
            num_hidden_layers=2, mlp_ratio=1.0, pred_hidden_size=24, pred_num_attention_heads=2,
            pred_num_hidden_layers=1, pred_num_mask_tokens=1,
        )
    )  # fmt: skip


def siglip2() -> nn.Module:
    import transformers as t

    small = {name: value for name, value in VISION.items() if name != "image_size"}
    return t.Siglip2VisionModel(t.Siglip2VisionConfig(**small, num_patches=16))


def naflex() -> Any:
    small: dict[str, Any] = {"embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 5}
    return timm.create_model("naflexvit_base_patch16_gap", **small, embed_proj_type="linear")


OTHERS: dict[str, Callable[[], nn.Module]] = {
    "siglip2": siglip2,
    "naflex": naflex,
    **{name: partial(video, name) for name in ("videomae", "vivit", "timesformer", "vjepa2")},
}


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize(("patch", "block"), [((16, 8), 8), ((8, 12), 4)])
def test_oblong_patches_take_a_key_for_each_square(patch: tuple[int, int], block: int, name: str) -> None:
    model = Oblong(patch)
    encrypted = encrypt_model(model, KEYS[0], name)
    assert input_spec(encrypted).block == block
    photo = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    stored = cipher(name, block).encrypt_pixels(photo, KEYS[0], None)
    given, wanted = (torch.from_numpy(np.asarray(one, np.float32)).permute(2, 0, 1)[None] for one in (stored, photo))
    assert (encrypted(given) - model(wanted)).abs().mean() < 1e-3 * model(wanted).std()
    moved = rekey_model(encrypted, KEYS[0], KEYS[1])
    assert verify_encryption(model, moved, KEYS[1]).right < 3e-2
    with pytest.raises(InvalidModelError, match="not be 16"):
        encrypt_model(model, KEYS[0], name, 16)


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_linear_on_patches_in_either_order(channels_last: bool, name: str) -> None:
    model = Cut(channels_last=channels_last)
    encrypted = encrypt_model(model, KEYS[0], name, mean=HALF, std=HALF)
    assert input_spec(nn.Sequential(encrypted.to_patch_embedding)) == input_spec(encrypted)
    bare = Cut(channels_last=channels_last)
    bare.load_state_dict(encrypted.state_dict())
    moved = rekey_model(bare, KEYS[0], KEYS[1])  # known by the mark in its weights alone
    assert verify_encryption(model, moved, KEYS[1], mean=HALF, std=HALF).right < 3e-2


def test_patches_that_are_changed_before_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="not given the image's own"):
        encrypt_model(Cut(channels_last=False, normalized=True), KEYS[0])
    with pytest.raises(InvalidModelError, match="in which order"):
        encrypt_model(nn.ModuleDict({"patch_embed": nn.Linear(192, 8)}), KEYS[0])


@pytest.mark.parametrize("name", OTHERS)
def test_networks_of_other_libraries(name: str) -> None:
    model = families.wake(OTHERS[name]())
    encrypted = encrypt_model(model, KEYS[0], mean=HALF, std=HALF)
    assert input_spec(encrypted).block == block_of(find_stem(model)) == 16
    assert encrypted.state_dict().keys() == model.state_dict().keys()
    moved = rekey_model(encrypted, KEYS[0], KEYS[1])
    proof = verify_encryption(model, moved, KEYS[1], mean=HALF, std=HALF)
    assert proof.right < 1e-4
    assert min(proof.wrong, proof.none) > 0.1


def test_every_frame_of_a_video_is_an_image_of_its_own() -> None:
    """One key for all frames, and frames stay in their order: what the plain network computes, frame by frame."""
    model: Any = families.wake(video("videomae"))
    encrypted = encrypt_model(model, KEYS[0])
    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    stored = np.stack([cipher("patch-permutation", 16).encrypt_pixels(frame, KEYS[0], None) for frame in frames])
    plain, given = (torch.from_numpy(one.astype(np.float32)).permute(0, 3, 1, 2)[None] for one in (frames, stored))
    wanted = model(pixel_values=plain).logits
    assert (encrypted(pixel_values=given).logits - wanted).abs().max() < 1e-3 * wanted.std()
    backwards = encrypted(pixel_values=given.flip(1)).logits
    assert (backwards - wanted).abs().max() > 1e-2 * wanted.std()


@pytest.mark.parametrize("name", ["videomae", "vivit", "siglip2"])
def test_folders_with_the_processors_that_such_networks_have(name: str, keys: list[Key]) -> None:
    """From a client's frames or image, through the processor of the encrypted folder, to the plain network's answer."""
    import transformers as t

    plain: Any = families.wake(OTHERS[name]())
    plain.save_pretrained("source")
    size = {"height": 64, "width": 64}
    made: Any = {
        "videomae": lambda: t.VideoMAEImageProcessor(size={"shortest_edge": 64}, crop_size=size),
        "vivit": lambda: t.VivitImageProcessor(size={"shortest_edge": 64}, crop_size=size),
        "siglip2": lambda: t.Siglip2ImageProcessor(patch_size=16, max_num_patches=16),
    }[name]()
    made.save_pretrained("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    loaded: Any = type(plain).from_pretrained("encrypted")
    rest: Any = t.AutoImageProcessor.from_pretrained("encrypted")
    shown: Any = photo(90, 120)
    frames = [np.roll(photo(90, 120), 9 * index, axis=1) for index in range(8)]
    given = made(shown if name == "siglip2" else frames, return_tensors="pt")
    prepared = client_images("encrypted", shown if name == "siglip2" else frames)
    assert len(prepared) == (1 if name == "siglip2" else 8)
    stored = [cipher("patch-permutation", 16).encrypt_pixels(pixels, keys[0], None) for pixels in prepared]
    for setting in ("do_resize", "do_center_crop"):
        setattr(rest, setting, False)
    sent = rest(stored[0] if name == "siglip2" else stored, return_tensors="pt")
    with torch.no_grad():
        sent["pixel_values"] = sent["pixel_values"].float()  # whole numbers, as nothing rescales them
        wanted, got = plain(**given)[0], loaded(**sent)[0]
    if name == "siglip2":  # what stands for padding is masked, and nobody's
        seen = given["pixel_attention_mask"].bool()
        wanted, got = wanted[seen], got[seen]
    assert (got - wanted).abs().max() < 1e-3 * wanted.std()
