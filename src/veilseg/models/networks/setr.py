"""SETR: a ViT backbone and one of three decoders."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from veilseg.errors import UsageError
from veilseg.models.networks.decoders import DECODERS, TokenNorm
from veilseg.models.networks.vit import BACKBONE_ARGUMENTS, ViTBackbone

# OpenMMLab's taps of ViT-L for Naive and PUP are not evenly spread; all others are.
_TAPS_OF_24 = (9, 14, 19, 23)


class SETR(nn.Module):
    """SETR (Zheng et al., CVPR 2021): raw pixels float [N, 3, H, W], values 0..255, to logits [N, K, H, W].

    H and W are any multiples of the patch size. Arguments: `decoder` "naive", "pup" or "mla"; `backbone` a timm ViT;
    `image_size` (H, W) of the position embeddings (timm's own, or the weights' own grid, when None), which
    `interpolation` "bilinear" (default) or "bicubic" brings to other sizes; `pretrained` weights for the backbone from
    timm, or `weights`, a safetensors file of its state dict; `decoder_channels` 256 as published; `auxiliary_convs` of
    each auxiliary head (Naive, PUP; 1, or 2 as in some of OpenMMLab's models); `taps` four blocks of the backbone
    (default: as OpenMMLab); `mean` and `std` in pixel values (default: those of timm's weights); `class_token` False
    leaves the class token out of the blocks (default: as OpenMMLab, out for MLA only; pretrained features suffer).
    Everything else goes to timm: embed_dim, depth, proj_drop_rate, ...
    """

    def __init__(
        self,
        num_classes: int,
        *,
        decoder: str,
        backbone: str = "vit_base_patch16_384",
        image_size: tuple[int, int] | int | None = None,
        pretrained: bool = False,
        weights: str | None = None,
        interpolation: str = "bilinear",
        decoder_channels: int = 256,
        auxiliary_convs: int | None = None,
        taps: tuple[int, ...] | None = None,
        class_token: bool | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        **backbone_arguments: Any,
    ) -> None:
        super().__init__()
        if decoder not in DECODERS:
            raise UsageError(f"SETR has no decoder {decoder!r}", f"one of {', '.join(DECODERS)}")
        unknown = sorted(set(backbone_arguments) - BACKBONE_ARGUMENTS)
        if unknown:
            raise UsageError(
                f"SETR has no argument {unknown[0]!r}", f"for the backbone: {', '.join(sorted(BACKBONE_ARGUMENTS))}"
            )
        size = (image_size, image_size) if isinstance(image_size, int) else image_size
        in_blocks = decoder != "mla" if class_token is None else class_token
        self.backbone = ViTBackbone(
            backbone,
            taps=taps if taps is not None else _default_taps(decoder, backbone, backbone_arguments),
            image_size=None if size is None else (size[0], size[1]),
            pretrained=pretrained,
            weights=weights,
            class_token_in_blocks=in_blocks,
            interpolation=interpolation,
            mean=mean,
            std=std,
            arguments=backbone_arguments,
        )
        if auxiliary_convs is not None and decoder == "mla":
            raise UsageError("the auxiliary heads of MLA have no convolutions", "leave auxiliary_convs out")
        extra = {} if auxiliary_convs in (None, 1) else {"auxiliary_convs": auxiliary_convs}
        sizes = self.backbone.width, num_classes, len(self.backbone.taps), decoder_channels
        self.decoder = DECODERS[decoder](*sizes, **extra)
        for norm in self.decoder.modules():  # pretrained features are meant to be read after the trunk's own norm
            if isinstance(norm, TokenNorm) and self.backbone.final_norm:
                norm.load_state_dict(self.backbone.final_norm)
        patch = self.backbone.patch
        self.size_multiple = patch
        # What rebuilds this network without asking timm for statistics or sizes again.
        self.arguments: dict[str, Any] = {
            "backbone": backbone,
            "image_size": [side * patch for side in self.backbone.grid],
            "decoder_channels": decoder_channels,
            "taps": list(self.backbone.taps),
            "class_token": in_blocks,
            "mean": list(self.backbone.mean),
            "std": list(self.backbone.std),
            **({} if interpolation == "bilinear" else {"interpolation": interpolation}),
            **extra,
            **backbone_arguments,
        }

    @property
    def token_layer(self) -> nn.Module:
        """The last transformer block; its output, float [N, T, D], is what distillation compares."""
        block: nn.Module = self.backbone.vit.blocks[-1]
        return block

    def trunk_layers(self) -> list[list[nn.Parameter]]:
        """The backbone's parameters, from the pixels up: the learning rate may fall from layer to layer."""
        return self.backbone.layers()

    def forward(self, images: Tensor) -> Tensor:
        scores = self.decoder(self.backbone(images))
        return F.interpolate(scores, size=images.shape[-2:], mode="bilinear", align_corners=False)

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores of the decoder and of each auxiliary head, float [N, K, h, w], each at its own resolution.

        A loss brings them to the labels' size itself.
        """
        return self.decoder.forward_train(self.backbone(images))

    def fold_normalization(self) -> None:
        """Make the patch embedding take raw pixels; in place, without effect when it does already."""
        self.backbone.normalize.fold_into(self.backbone.stem)

    def unfold_normalization(self) -> None:
        """Take the pixel statistics out of the patch embedding again, for training; what the network computes stays.

        With folded weights the gradient of the embedding is some 10,000 times larger than that of its neighbours.
        """
        self.backbone.normalize.take_from(self.backbone.stem, self.backbone.mean, self.backbone.std)


def _default_taps(decoder: str, backbone: str, arguments: dict[str, Any]) -> tuple[int, ...] | None:
    large = "_large_" in backbone and arguments.get("depth", 24) == 24
    return _TAPS_OF_24 if large and decoder != "mla" else None
