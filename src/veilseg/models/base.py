"""SegmentationModel: a network, the layer before it that a cipher asks for, and the config that travels with both.

As a folder it is config.json and model.safetensors, the Hub's layout.
"""

from __future__ import annotations

import copy
import math
import warnings
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import ModelHubMixin
from torch import Tensor, nn

from veilseg.errors import InvalidModelError, UsageError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.modelconfig import CONFIG_NAME, WEIGHTS_NAME, ModelConfig
from veilseg.modelfolder import find_folder
from veilseg.models.input_layers import InputLayer, input_layer
from veilseg.models.networks import registry
from veilseg.models.networks.normalize import Normalize
from veilseg.models.networks.protocol import Foldable, ScoresForTraining, Widenable
from veilseg.models.weights import read_weights, write_weights
from veilseg.scale import Resize


class SegmentationModel(nn.Module, ModelHubMixin, library_name="veilseg", pipeline_tag="image-segmentation"):
    """Raw pixels in, logits out.

    uint8 or float [N, 3, H, W], values 0..255 (0..65535 for "patch-rotation"), to float [N, K, H, W]. H and W are
    multiples of `config.size_multiple`; everything about normalization happens inside. `save_pretrained`,
    `from_pretrained` and `push_to_hub` are the Hub's.

    Attributes:
        network: maps float pixels to logits; `networks.protocol` says what it may offer besides.
        prepare: the canonical or reduced form, where `config.input` asks for it, else None.
        config: what the model says about itself.
        to_working_size: how another library's image processor resizes photographs; None: by `config.longer_side`.
    """

    to_working_size: Resize | None = None

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
        if not isinstance(self.network, ScoresForTraining):
            return self.network(pixels), []
        normalize = next((part for part in self.network.modules() if isinstance(part, Normalize)), None)
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
        if isinstance(self.network, Foldable):
            self.network.fold_normalization()

    def unfold_normalization(self) -> None:
        """Take pixel statistics out of the first convolution, in place: before training, ahead of the optimizer.

        Raises InvalidModelError for an encrypted model whose statistics differ between channels, or one for
        "patch-rotation": its block mixes the channels.
        """
        if not isinstance(self.network, Foldable):
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

    def widen_patch(self, block: int) -> None:
        """Rewrite the patch embedding for blocks of `block` pixels, in place; what the model computes stays.

        Raises UsageError where the block is no multiple of the patch, or the network cannot be rewritten.
        """
        if not isinstance(self.network, Widenable):
            raise UsageError(f"the stem of this network does not fit blocks of {block} pixels", "leave the block out")
        self.network.widen_patch(block)
        self.config.arguments = {**self.config.arguments, "stem_block": block}
        self.config.size_multiple = math.lcm(self.config.size_multiple, block)

    def _save_pretrained(self, save_directory: Path) -> None:
        save_model(self, save_directory, overwrite=True)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> SegmentationModel:
        given = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        return read_model(find_folder(model_id, **{name: options[name] for name in given}))

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


def model_from_config(config: ModelConfig) -> SegmentationModel:
    """The model that a config describes, freshly initialized.

    Raises InvalidModelError when it asks for what does not exist, or for more than is built here.
    """
    registry.check_arguments(config.arguments)
    try:
        network = registry.build(config.architecture, config.num_classes, config.arguments)
    except UsageError as error:
        raise InvalidModelError(f"the model's config is not valid: {error.message}", error.hint) from error
    except (TypeError, ValueError, LookupError, AttributeError, AssertionError, RuntimeError, ArithmeticError) as error:
        raise InvalidModelError(f"the model's config does not build a {config.architecture}") from error
    return SegmentationModel(network, config)


def save_model(model: SegmentationModel, folder: str | Path, *, overwrite: bool = False, half: bool = False) -> None:
    """Write `model` to `folder` (made if missing) as config.json and model.safetensors, normalization folded.

    Each file appears whole or not at all, the config last. Existing files are replaced only with `overwrite`. `half`
    stores matrices and kernels as float16, half the size; load_model gives float32 again.
    """
    if model.config.architecture not in registry.NETWORKS:
        raise InvalidModelError(
            f"a model of {model.config.architecture} is saved by its own library",
            "`veilseg encrypt-model FOLDER` writes the encrypted folder",
        )
    target = Path(folder)
    make_folder(target)
    for name in (WEIGHTS_NAME, CONFIG_NAME):
        refuse_existing(target / name, overwrite=overwrite)
    folded = copy.deepcopy(model)
    folded.fold_normalization()
    write_weights(target / WEIGHTS_NAME, folded.state_dict(), overwrite=overwrite, half=half)
    write_atomic(target / CONFIG_NAME, model.config.to_json().encode(), overwrite=overwrite)


def read_model(folder: Path) -> SegmentationModel:
    """The model that save_model wrote to `folder`, in evaluation mode; raises InvalidModelError for anything else."""
    config = ModelConfig.load(folder)
    # Built without memory: a config that asks for more than the file holds costs none.
    with torch.device("meta"):
        model = model_from_config(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    model.load_state_dict(read_weights(folder / WEIGHTS_NAME, shapes), strict=True, assign=True)
    return model.eval()
