"""Networks of transformers in ONNX: for one size where their library's code does not trace for all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.models.folders import photo, saved
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.keys import Key
from veilseg.models import client_images
from veilseg.runtime import Segmenter


@pytest.mark.parametrize("name", ["upernet-convnext", "beit"])
def test_encrypted_networks_of_transformers(name: str, keys: list[Key]) -> None:
    saved(name)
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    assert main(["export", "encrypted", "-o", "exported"]) == 0
    onnx, torch = Segmenter("exported"), Segmenter("encrypted")
    assert onnx.config.input == torch.config.input
    (prepared,) = client_images("encrypted", photo())
    assert onnx.config.arguments["size"] == list(prepared.shape[:2])
    encryption = onnx.config.input.encryption
    assert encryption is not None
    image = ciphers.cipher_for(encryption).encrypt(prepared, keys[0], longer_side=0)
    labels = onnx.segment(image)
    assert len(np.unique(labels)) > 1
    assert np.mean(labels == torch.segment(image)) > 0.999
    assert np.mean(labels == Segmenter("source").segment(prepared)) > 0.999
