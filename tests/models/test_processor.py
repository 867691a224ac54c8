"""What image processors leave to the client, where they do more than resize."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.models import families
from tests.models.folders import photo, stored
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.keys import Key
from veilseg.models import client_images
from veilseg.models.encryption.processor import client_image


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


def test_one_image_of_a_processor_that_cuts_windows() -> None:
    import transformers as t

    made = t.EomtImageProcessor(size={"shortest_edge": 64, "longest_edge": None}, do_split_image=True)
    with pytest.raises(InvalidModelError, match="cuts into windows a photograph of 140 x 60"):
        client_image(made, photo(60, 140))


def test_processors_that_do_not_say_how(keys: list[Key]) -> None:
    with pytest.raises(InvalidModelError, match="no image processor"):
        client_images(".", photo())


def test_a_whole_sam(keys: list[Key]) -> None:
    """SAM with its decoder and its processor of two parts."""
    import transformers as t

    size = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 32}
    vision = t.SamVisionConfig(
        **size, image_size=64, output_channels=8, num_pos_feats=4, window_size=2, global_attn_indexes=[1]
    )
    prompt = t.SamPromptEncoderConfig(hidden_size=8, image_size=64, image_embedding_size=4)
    mask = t.SamMaskDecoderConfig(
        hidden_size=8, mlp_dim=8, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=8
    )
    model: Any = families.wake(
        t.SamModel(t.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=mask))
    )
    model.save_pretrained("source")
    pad = {"height": 64, "width": 64}
    t.SamProcessor(t.SamImageProcessor(size={"longest_edge": 64}, pad_size=pad)).save_pretrained("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    (pixels,) = client_images("encrypted", photo(48, 64))
    encrypted = ciphers.cipher("patch-permutation", block=16).encrypt(pixels, keys[0])
    encrypted_model = t.SamModel.from_pretrained("encrypted").eval()
    given = t.SamProcessor.from_pretrained("source")(images=photo(48, 64), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        wanted, got = model.get_image_embeddings(given), encrypted_model.get_image_embeddings(stored(encrypted))
        wanted, got = (x if isinstance(x, torch.Tensor) else x[0] for x in (wanted, got))
    assert (got - wanted).abs().mean() < 0.02 * wanted.std()  # padding is the mean in whole values
