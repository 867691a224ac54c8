"""timm's VisionTransformer as a backbone that gives feature maps of any input size on the patch grid."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from veilseg.errors import UsageError
from veilseg.models.networks.normalize import Normalize
from veilseg.models.networks.pretrained import create_pretrained

# What a config may hand to timm. Never a path or address: a config comes from whoever made the model.
BACKBONE_ARGUMENTS = frozenset(
    {
        *("patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "qkv_bias", "qk_norm", "init_values"),
        *("class_token", "no_embed_class", "reg_tokens", "pre_norm", "pos_embed"),
        *("pos_drop_rate", "proj_drop_rate", "attn_drop_rate", "drop_path_rate"),
    }
)
_SUITABLE = "take vit_base_patch16_384, for example, or a deit or dinov2 model"


class ViTBackbone(nn.Module):
    """Raw pixels [N, 3, H, W] in, one [N, D, H/p, W/p] float map per tap out (p: the patch size).

    `name` is a timm model built on its VisionTransformer class. `pretrained` fetches timm's weights, `weights` reads
    them from a safetensors file; both are resampled to the patch and, where given, to the grid of `image_size`.
    Position embeddings are interpolated ("bilinear" or "bicubic") whenever an input has another grid. `taps` are
    indices of transformer blocks whose raw output is given (no final norm: SETR's decoders have their own, which
    `final_norm` is for). With `class_token_in_blocks=False` the class token is dropped before the blocks, as OpenMMLab
    does for MLA. The statistics that timm's weights want are folded into the patch embedding.
    """

    def __init__(
        self,
        name: str,
        *,
        taps: tuple[int, ...] | None = None,
        image_size: tuple[int, int] | None = None,
        pretrained: bool = False,
        weights: str | None = None,
        class_token_in_blocks: bool = True,
        interpolation: str = "bilinear",
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.vit = _create(name, image_size, pretrained or weights is not None, weights, arguments or {})
        depth = len(self.vit.blocks)
        self.taps = even_taps(depth) if taps is None else tuple(taps)
        if list(self.taps) != sorted(self.taps) or not all(0 <= tap < depth for tap in self.taps):
            raise UsageError(f"taps {self.taps} do not fit a backbone of {depth} blocks", "count blocks from 0, rising")
        # Nothing after the last tap is used; unused weights would only confuse optimizers and files.
        self.vit.blocks = self.vit.blocks[: self.taps[-1] + 1]
        self.final_norm: dict[str, Tensor] = self.vit.norm.state_dict() if pretrained or weights is not None else {}
        for unused in ("norm", "fc_norm", "head"):
            setattr(self.vit, unused, nn.Identity())
        if interpolation not in ("bilinear", "bicubic"):
            raise UsageError(f"position embeddings cannot be interpolated by {interpolation!r}", "bilinear or bicubic")
        self.interpolation = interpolation
        self.class_token_in_blocks = class_token_in_blocks
        for token in (self.vit.cls_token, getattr(self.vit, "dist_token", None), self.vit.reg_token):
            if token is not None and not class_token_in_blocks:  # it gets no gradient, which several processes mind
                token.requires_grad_(False)
        self.grid: tuple[int, int] = tuple(self.vit.patch_embed.grid_size)
        self.width: int = self.vit.embed_dim
        self.patch: int = self.stem.kernel_size[0]
        self.mean = tuple(mean or (255 * value for value in self.vit.pretrained_cfg["mean"]))
        self.std = tuple(std or (255 * value for value in self.vit.pretrained_cfg["std"]))
        if self.stem.bias is None:  # folding needs one, and a saved model the same tensors as a new one
            self.stem.bias = nn.Parameter(self.stem.weight.new_zeros(self.width))
        self.normalize = Normalize(self.mean, self.std)
        self.normalize.fold_into(self.stem)

    @property
    def stem(self) -> nn.Conv2d:
        """The patch embedding."""
        conv: nn.Conv2d = self.vit.patch_embed.proj
        return conv

    def forward(self, images: Tensor) -> list[Tensor]:
        vit = self.vit
        patches = self.stem(self.normalize(images))
        height, width = patches.shape[-2:]
        tokens = vit.patch_embed.norm(patches.flatten(2).transpose(1, 2))
        tokens = vit.norm_pre(vit.pos_drop(self._add_positions(tokens, height, width)))
        prefix = vit.num_prefix_tokens
        if not self.class_token_in_blocks:
            tokens, prefix = tokens[:, prefix:], 0
        maps = {}
        for index, block in enumerate(vit.blocks):
            tokens = block(tokens)
            if index in self.taps:
                maps[index] = tokens[:, prefix:].transpose(1, 2).unflatten(2, (height, width))
        return [maps[tap] for tap in self.taps]

    def layers(self) -> list[list[nn.Parameter]]:
        """The parameters from the pixels up: those before the blocks, then each block's."""
        blocks = [list(block.parameters()) for block in self.vit.blocks]
        inside = {id(parameter) for block in blocks for parameter in block}
        return [[parameter for parameter in self.vit.parameters() if id(parameter) not in inside], *blocks]

    def _add_positions(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Prefix tokens (class, registers) put before the patch tokens, position embeddings added."""
        vit = self.vit
        special = (vit.cls_token, getattr(vit, "dist_token", None), vit.reg_token)
        prefix = [token.expand(tokens.shape[0], -1, -1) for token in special if token is not None]
        if vit.pos_embed is None:
            return torch.cat([*prefix, tokens], dim=1)
        named = 0 if vit.no_embed_class else vit.num_prefix_tokens
        table = vit.pos_embed[:, named:].transpose(1, 2).unflatten(2, self.grid)
        # On the grid of the table this changes nothing. No branch, so that an exported graph takes every size.
        table = F.interpolate(table, size=(height, width), mode=self.interpolation, align_corners=False)
        tokens = tokens + table.flatten(2).transpose(1, 2)
        if prefix:
            first = torch.cat(prefix, dim=1)
            tokens = torch.cat([first + vit.pos_embed[:, :named] if named else first, tokens], dim=1)
        return tokens


def even_taps(depth: int, count: int = 4) -> tuple[int, ...]:
    """Blocks to tap, evenly spread and ending with the last: (2, 5, 8, 11) of 12, (5, 11, 17, 23) of 24."""
    return tuple(-(-(index + 1) * depth // count) - 1 for index in range(count))


def _create(
    name: str, image_size: tuple[int, int] | None, pretrained: bool, weights: str | None, arguments: dict[str, Any]
) -> Any:
    import timm
    from timm.layers.patch_embed import PatchEmbed
    from timm.models.vision_transformer import VisionTransformer

    unknown = sorted(set(arguments) - BACKBONE_ARGUMENTS)
    if unknown:
        raise UsageError(
            f"unknown arguments for the backbone: {', '.join(unknown)}",
            f"known: {', '.join(sorted(BACKBONE_ARGUMENTS))}",
        )
    if ":" in name or "/" in name or not timm.is_model(name):
        raise UsageError(f"timm has no model {name!r}", "list them with timm.list_models('*vit*')")
    size: dict[str, Any] = {} if image_size is None else {"img_size": tuple(image_size)}
    try:
        options = {"num_classes": 0, "global_pool": "", **size, **arguments}
        vit = create_pretrained(name, weights, **options) if pretrained else timm.create_model(name, **options)
    except TypeError as error:  # another family, which does not know these arguments
        raise UsageError(f"{name} cannot be built with {', '.join((*size, *arguments))}", _SUITABLE) from error
    if not isinstance(vit, VisionTransformer) or not isinstance(vit.patch_embed, PatchEmbed):
        raise UsageError(
            f"{name} is not built on timm's VisionTransformer with a patchify stem, which SETR needs",
            _SUITABLE,
        )
    return vit
