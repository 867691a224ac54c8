"""What every protocol is given, and the few things that all do: measure, encrypt a model, make test keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from veilseg.catalog import DEFAULT_MODEL_CIPHER
from veilseg.ciphers import Cipher, Plain
from veilseg.data.base import SegmentationData
from veilseg.errors import UsageError
from veilseg.evaluation.evaluate import evaluate
from veilseg.keys import Key
from veilseg.modelconfig import ONNX_NAME, STEM_NAME, WEIGHTS_NAME
from veilseg.models.encryption.onnx_stem import encrypt_onnx
from veilseg.runtime import Segmenter, find_model

#: What becomes of the images of a model for one key; test key 1 is the wrong one.
CONDITIONS = ("correct key", "no encryption", "wrong key")
_WEIGHTS = (ONNX_NAME, STEM_NAME, WEIGHTS_NAME)


@dataclass(frozen=True)
class ProtocolSettings:
    """The settings of one run of a protocol.

    Attributes:
        models: names or folders.
        data: the dataset.
        source: how the dataset was named, for the journal: {"spec", "split"}.
        out: the folder for results.
        cipher: the cipher of [Kiya 2022] to test.
        count: of random keys, or of pictures.
        seed: makes the test keys.
        key_of_models: the one that models were trained for ("conventional").
        limit, window, threads: as for `veilseg evaluate`.
    """

    models: tuple[str, ...]
    data: SegmentationData
    source: dict[str, Any]
    out: Path
    cipher: str = DEFAULT_MODEL_CIPHER
    count: int = 50
    seed: int = 0
    key_of_models: Key | None = None
    limit: int | None = None
    window: int | None = None
    threads: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Everything that a step's result depends on; `count` is not: a run may be made longer."""
        models = {name: weights_sha256(name) for name in self.models}
        facts = {"models": models, "data": self.source, "cipher": self.cipher, "seed": self.seed}
        return {**facts, "limit": self.limit, "window": self.window}

    def open(self, model: str) -> Segmenter:
        """The model as it is."""
        return Segmenter(model, threads=self.threads, window=self.window)

    def open_plain(self, model: str) -> Segmenter:
        """A model for plain images. Raises UsageError for another one."""
        segmenter = self.open(model)
        if segmenter.config.input.encryption is not None:
            raise UsageError(
                f"{model} takes {segmenter.config.input.name} images, and this protocol encrypts a plain model",
                "give --model a model for plain images",
            )
        return segmenter

    @contextmanager
    def encrypted(self, model: str, key: Key) -> Iterator[Segmenter]:
        """The plain model encrypted with `key`, exported ones by NumPy and others by torch; gone with the block."""
        if find_model(model).engine == "onnx":
            with TemporaryDirectory(prefix="veilseg-protocol-") as folder:
                encrypt_onnx(model, key, folder, cipher=self.cipher)
                yield self.open(folder)
            return
        from veilseg.models import encrypt_model, load_model

        network = encrypt_model(load_model(model), key, self.cipher)
        yield Segmenter(network, threads=self.threads, window=self.window)

    def key(self, index: int) -> Key:
        """Test key `index`: made from the seed, so known to everybody. It protects nothing."""
        return Key(hashlib.sha256(f"veilseg protocol {self.seed} {index}".encode()).digest())

    def measure(
        self, segmenter: Segmenter, cipher: Cipher | Plain, key: Key | None = None, *, check: bool = True
    ) -> dict[str, Any]:
        """Scores for the journal.

        Also the mIoU (percent) of calling every pixel by the most frequent class, which needs no image, and a digest
        of all label maps: equal digests, equal predictions.
        """
        digest = hashlib.sha256()

        def note(labels: np.ndarray) -> None:
            digest.update(labels.tobytes())

        result = evaluate(segmenter, self.data, cipher, key, limit=self.limit, check=check, on_labels=note)
        truth = result.matrix.counts.sum(axis=1)
        blind = 100 * float(truth.max() / truth.sum() / np.count_nonzero(truth))
        return {**result.to_dict(), "one_class_mIoU": blind, "labels_sha256": digest.hexdigest()}

    def measure_condition(
        self, condition: str, segmenter: Segmenter, cipher: Cipher | Plain, right: Key | None
    ) -> dict[str, Any]:
        """Scores under one of CONDITIONS, for a model whose key is `right`."""
        cases: dict[str, tuple[Cipher | Plain, Key | None]] = {
            "correct key": (cipher, right),
            "no encryption": ("plain", None),
            "wrong key": (cipher, self.key(1)),
        }
        return self.measure(segmenter, *cases[condition], check=condition == "correct key")


def weights_sha256(model: str) -> str | None:
    """The digest of a model's weights, None for a model that is not on this disk yet."""
    folder = find_model(model).folder
    if folder is None:
        return None
    digest = hashlib.sha256()
    for name in _WEIGHTS:
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()
