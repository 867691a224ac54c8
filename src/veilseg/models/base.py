"""SegmentationModel: a network, the layer before it that a cipher asks for, and the config that travels with both."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.modelconfig import ModelConfig
from veilseg.models.input_layers import InputLayer, input_layer


class SegmentationModel(nn.Module):
    """Raw pixels in, logits out.

    uint8 or float [N, 3, H, W], values 0..255 (0..65535 for "patch-rotation"), to float [N, K, H, W]. `network` maps
    float pixels to logits; `prepare` is the canonical form, the quartiles or the mosaic where `config.input` asks for
    it, else None. H and W are multiples of `config.size_multiple`; everything about normalization happens inside.
    """

    network: Any  # a torch module; what else it offers (forward_train, widen_patch, ...) is asked for where it is used

    def __init__(self, network: nn.Module, config: ModelConfig) -> None:
        super().__init__()
        self.network = network
        self.prepare: InputLayer | None = input_layer(config.input)
        self.config = config

    @property
    def num_classes(self) -> int:
        return self.config.num_classes

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(self._pixels(images))
        return logits

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores for a loss: the logits and a list, perhaps empty, of the auxiliary heads'.

        All are float [N, K, h, w], each at the resolution where the network makes it: H x W or coarser.
        """
        pixels = self._pixels(images)
        if not hasattr(self.network, "forward_train"):
            return self.network(pixels), []
        normalize = next((part for part in self.network.modules() if hasattr(part, "folded")), None)
        if self.training and torch.is_grad_enabled() and normalize is not None and normalize.folded:
            warnings.warn(
                "training with folded normalization: call model.unfold_normalization() before making the optimizer",
                stacklevel=2,
            )
        logits, auxiliary = self.network.forward_train(pixels)
        return logits, list(auxiliary)

    def fold_normalization(self) -> None:
        """Fold pixel statistics into the first convolution, in place; what the model computes stays.

        Saving, encrypting and exporting do it by themselves, on a copy.
        """
        if hasattr(self.network, "fold_normalization"):
            self.network.fold_normalization()

    def unfold_normalization(self) -> None:
        """Take pixel statistics out of the first convolution, in place: before training, ahead of the optimizer.

        Raises InvalidModelError for an encrypted model whose statistics differ between channels, or one for
        "patch-rotation": its block mixes the channels.
        """
        if not hasattr(self.network, "unfold_normalization"):
            return
        encryption = self.config.input.encryption
        if encryption is not None and encryption.facts.family == "model key":
            arguments = self.config.arguments
            even = len(set(arguments.get("mean", ()))) <= 1 and len(set(arguments.get("std", ()))) <= 1
            if encryption.facts.mechanism != "permutation" or not even:
                raise InvalidModelError(
                    "the normalization of this encrypted model mixes channels", "train the plain model"
                )
        self.network.unfold_normalization()

    def save_pretrained(self, folder: str | Path, *, overwrite: bool = True) -> None:
        """Write config.json and model.safetensors into `folder`; see `veilseg.models.save_model`."""
        from veilseg.models.store import save_model

        save_model(self, folder, overwrite=overwrite)

    @classmethod
    def from_pretrained(cls, source: str | Path) -> SegmentationModel:
        """Load from a folder or a Hub id; see `veilseg.models.load_model`."""
        from veilseg.models.store import load_model

        return load_model(source)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save to the Hugging Face Hub; see `veilseg.models.push_to_hub`."""
        from veilseg.models.store import push_to_hub

        return push_to_hub(self, repo_id, **options)

    def _pixels(self, images: Tensor) -> Tensor:
        if images.dim() != 4 or images.shape[1] != 3:
            raise InvalidModelError(f"a model takes images [N, 3, H, W], not {list(images.shape)}")
        multiple = self.config.size_multiple
        height, width = images.shape[-2:]
        if not height or not width or height % multiple or width % multiple:
            raise InvalidModelError(
                f"this model takes images with sides that are multiples of {multiple}, not {height} x {width}",
                "pad the image, as the ciphers and Segmenter do",
            )
        if self.prepare is not None:
            # Both forms are defined on whole values 0..255, and only uint8 makes them equal to the ciphers' to the bit.
            if images.dtype != torch.uint8:
                images = images.round().clamp(0, 255).to(torch.uint8)
            images = self.prepare(images)
        weight = next(self.network.parameters())
        return images.to(weight.dtype if weight.is_floating_point() else torch.float32)
