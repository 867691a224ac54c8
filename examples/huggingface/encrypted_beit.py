"""A network of Hugging Face, encrypted with a key and used through the encrypted images alone.

    python examples/huggingface/encrypted_beit.py photo.jpg

The network is BEiT with random weights, made here from a config, so that nothing is downloaded: put your own folder or
Hub id in its place. The script shows that the encrypted network with encrypted images computes what the plain one
computes with plain images, and that without the key it does not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import BeitConfig, BeitForSemanticSegmentation, BeitImageProcessor

import veilseg
from veilseg.models import client_images

CLASSES = ("road", "sky", "building", "tree", "car")
SIZE = 64  # pixels


def make(folder: Path) -> None:
    """A small BEiT with random weights, and the image processor that belongs to it, as a folder of transformers."""
    torch.manual_seed(1)
    config = BeitConfig(
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=SIZE,
        out_indices=[1, 2, 3, 4],
        pool_scales=[1, 2],
        use_auxiliary_head=False,
        use_relative_position_bias=True,
        id2label=dict(enumerate(CLASSES)),
    )
    network = BeitForSemanticSegmentation(config)
    with torch.no_grad():
        for weight in network.parameters():  # fresh weights lie near zero, and all answers would be alike
            weight.normal_(0, 0.2)
    network.save_pretrained(folder)
    BeitImageProcessor(size={"height": SIZE, "width": SIZE}, do_center_crop=False).save_pretrained(folder)


def veilseg_command(*words: str | Path) -> None:
    """Run `veilseg WORDS...`, as in the shell."""
    subprocess.run([sys.executable, "-m", "veilseg.cli.main", *map(str, words)], check=True)


def main(photo: str, folder: Path) -> float:
    """Run the example; the share of pixels at which the encrypted network says what the plain one says."""
    make(folder / "plain")
    key = veilseg.Key.generate()
    key.save(folder / "my.key")
    # The owner: encrypt the network, and give the folder to whoever runs it. The key stays.
    veilseg_command("encrypt-model", folder / "plain", "--key", folder / "my.key", "-o", folder / "encrypted")
    # The client: prepare the photograph as the model's image processor does, and encrypt it.
    (pixels,) = client_images(str(folder / "encrypted"), Image.open(photo))
    cipher = veilseg.cipher("patch-permutation", block=16)
    sent = cipher.encrypt(pixels, key, longer_side=0)
    stranger = cipher.encrypt(pixels, veilseg.Key.generate(), longer_side=0)
    # The server: it has the encrypted folder and the encrypted image.
    segmenter = veilseg.Segmenter(str(folder / "encrypted"))
    labels = segmenter.segment(sent)
    try:
        segmenter.segment(stranger)
    except veilseg.InvalidImageError as error:
        print(f"an image of another key is refused: {error.message}")
    plain = veilseg.Segmenter(str(folder / "plain")).segment(pixels)
    same = float(np.mean(labels == plain))
    counts = zip(CLASSES, np.bincount(labels.ravel(), minlength=len(CLASSES)), strict=True)
    print({name: int(count) for name, count in counts})
    print(f"pixels with the class that the plain network gives: {100 * same:.2f} %")
    return same


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(sys.argv[1], Path(made))
