"""Folders of other libraries that cannot be used: one sentence and a way out, no traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models import families
from tests.models.folders import processor, saved
from tests.models.test_other_stems import OTHERS
from tests.models.test_verify import clip
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.keys import Key
from veilseg.runtime import Segmenter


@pytest.mark.parametrize("kept", [0, 40, 0.5])
def test_shards_that_were_cut_off(kept: float, keys: list[Key]) -> None:
    saved("beit", "whole").save_pretrained("source", max_shard_size="20KB")  # type: ignore[operator]
    processor("beit").save_pretrained("source")
    shard = sorted(Path("source").glob("*.safetensors"))[1]
    data = shard.read_bytes()
    shard.write_bytes(data[: int(kept if kept >= 1 else len(data) * kept)])
    with pytest.raises(InvalidModelError, match="damaged or cut off"):
        Segmenter("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "out"]) == 1
    assert not Path("out").exists()
    shard.unlink()
    with pytest.raises(InvalidModelError, match="cannot be loaded"):
        Segmenter("source")


def oneformer() -> Any:
    import transformers as t

    backbone = t.SwinConfig(**families.SWIN, image_size=64, out_features=families.STAGES)
    texts = {"text_encoder_width": 16, "text_encoder_num_layers": 1, "text_encoder_vocab_size": 64, "task_seq_len": 8}
    sizes = {"hidden_dim": 32, "mask_dim": 32, "conv_dim": 32, "encoder_feedforward_dim": 16, "dim_feedforward": 16}
    layers = {"encoder_layers": 1, "decoder_layers": 2, "num_attention_heads": 2, "num_queries": 6}
    return t.OneFormerForUniversalSegmentation(
        t.OneFormerConfig(backbone_config=backbone, **texts, **sizes, **layers, text_encoder_context_length=8)
    )


@pytest.mark.parametrize(("name", "asks"), [("clipseg", "input_ids"), ("oneformer", "task_inputs")])
def test_networks_that_are_asked_in_words(name: str, asks: str, keys: list[Key]) -> None:
    """They are encrypted, as their library runs them; Segmenter has no words for them."""
    import transformers as t

    model: Any = families.wake(clip("clipseg") if name == "clipseg" else oneformer())
    model.save_pretrained("source")
    t.ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained("source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    for folder in ("source", "encrypted"):
        with pytest.raises(InvalidModelError, match=f"more than an image.*{asks}"):
            Segmenter(folder)


@pytest.mark.parametrize(("name", "reason"), [("siglip2", "more than an image"), ("videomae", "reads videos")])
def test_networks_that_read_something_else(name: str, reason: str) -> None:
    import transformers as t

    model: Any = OTHERS[name]()
    model.save_pretrained("source")
    t.ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained("source")
    with pytest.raises(InvalidModelError, match=reason):
        Segmenter("source")
