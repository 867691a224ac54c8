"""Tiny, randomly initialised networks of the families that model encryption is for; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

CLASSES = 5
VIT: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
SWIN: dict[str, Any] = {"embed_dim": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4}
CONVNEXT: dict[str, Any] = {"hidden_sizes": [8, 8, 12, 12], "depths": [1, 1, 1, 1]}
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def timm_models() -> dict[str, tuple[str, dict[str, Any]]]:
    """Arguments of timm.create_model by family; every network takes 64 x 64 and, by `free`, other sizes."""
    vit = {"embed_dim": 24, "depth": 2, "num_heads": 2, "img_size": 64, "num_classes": CLASSES}
    return {
        "vit": ("vit_tiny_patch16_224", {**vit, "dynamic_img_size": True}),
        "vit32": ("vit_base_patch32_224", {**vit, "dynamic_img_size": True}),
        "deit": ("deit_tiny_distilled_patch16_224", {**vit, "dynamic_img_size": True}),
        "beit": ("beit_base_patch16_224", vit),
        "dinov2": ("vit_small_patch14_reg4_dinov2", {**vit, "img_size": 56, "dynamic_img_size": True}),
        "dinov3": ("vit_small_patch16_dinov3", {**vit, "dynamic_img_size": True}),
        "eva": ("eva02_tiny_patch14_224", {**vit, "img_size": 56, "dynamic_img_size": True}),
        "swin": (
            "swin_tiny_patch4_window7_224",
            {
                "embed_dim": 12,
                "depths": (1, 1, 1, 1),
                "num_heads": (1, 1, 2, 2),
                "window_size": 4,
                "img_size": 128,
                "num_classes": CLASSES,
                "strict_img_size": False,
            },
        ),
        "convnext": ("convnext_atto", {"depths": (1, 1, 1, 1), "dims": (8, 8, 12, 12), "num_classes": CLASSES}),
    }


def _labels() -> dict[int, str]:
    return {index: f"thing {index}" for index in range(CLASSES)}


def eomt(size: int = 64) -> nn.Module:
    from transformers import EomtConfig, EomtForUniversalSegmentation

    return EomtForUniversalSegmentation(
        EomtConfig(
            **VIT,
            image_size=size,
            num_queries=6,
            num_blocks=1,
            num_upscale_blocks=1,
            id2label=_labels(),
            num_register_tokens=1,
            mlp_ratio=2,
        )
    )


def eomt_dinov3() -> nn.Module:
    from transformers import EomtDinov3Config, EomtDinov3ForUniversalSegmentation

    return EomtDinov3ForUniversalSegmentation(
        EomtDinov3Config(**VIT, image_size=64, num_queries=6, num_blocks=1, num_upscale_blocks=1, id2label=_labels())
    )


def beit() -> nn.Module:
    from transformers import BeitConfig, BeitForSemanticSegmentation

    return BeitForSemanticSegmentation(
        BeitConfig(
            **VIT,
            image_size=64,
            out_indices=[1, 2, 3, 4],
            use_auxiliary_head=False,
            id2label=_labels(),
            use_relative_position_bias=True,
            pool_scales=[1, 2],
        )
    )


def data2vec() -> nn.Module:
    from transformers import Data2VecVisionConfig, Data2VecVisionForSemanticSegmentation

    return Data2VecVisionForSemanticSegmentation(
        Data2VecVisionConfig(
            **VIT,
            image_size=64,
            out_indices=[1, 2, 3, 4],
            use_auxiliary_head=False,
            id2label=_labels(),
            use_absolute_position_embeddings=True,
            pool_scales=[1, 2],
        )
    )


def dpt() -> nn.Module:
    from transformers import DPTConfig, DPTForSemanticSegmentation

    return DPTForSemanticSegmentation(
        DPTConfig(
            **VIT,
            image_size=64,
            backbone_out_indices=[0, 1, 2, 3],
            neck_hidden_sizes=[8, 8, 8, 8],
            fusion_hidden_size=8,
            use_auxiliary_head=False,
            id2label=_labels(),
            is_hybrid=False,
        )
    )


def sam() -> nn.Module:
    from transformers import SamVisionConfig, SamVisionModel

    return SamVisionModel(
        SamVisionConfig(
            **{**VIT, "intermediate_size": 32},
            image_size=64,
            output_channels=8,
            mlp_dim=32,
            window_size=2,
            global_attn_indexes=[1],
            num_pos_feats=4,
        )
    )


def upernet(backbone: str) -> nn.Module:
    from transformers import ConvNextConfig, SwinConfig, UperNetConfig, UperNetForSemanticSegmentation

    config = (
        SwinConfig(**SWIN, image_size=64, out_features=STAGES)
        if backbone == "swin"
        else ConvNextConfig(**CONVNEXT, out_features=STAGES)
    )
    return UperNetForSemanticSegmentation(
        UperNetConfig(
            backbone_config=config, hidden_size=8, pool_scales=[1, 2], use_auxiliary_head=False, id2label=_labels()
        )
    )


def mask2former(backbone: str) -> nn.Module:
    from transformers import ConvNextConfig, Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    config = (
        SwinConfig(**SWIN, image_size=64, out_features=STAGES)
        if backbone == "swin"
        else ConvNextConfig(**CONVNEXT, out_features=STAGES)
    )
    return Mask2FormerForUniversalSegmentation(
        Mask2FormerConfig(
            backbone_config=config,
            feature_size=32,
            mask_feature_size=32,
            hidden_dim=32,
            encoder_feedforward_dim=16,
            dim_feedforward=16,
            encoder_layers=1,
            decoder_layers=2,
            num_attention_heads=2,
            num_queries=6,
            id2label=_labels(),
        )
    )


TRANSFORMERS: dict[str, Callable[[], nn.Module]] = {
    "eomt": eomt,
    "eomt-dinov3": eomt_dinov3,
    "beit": beit,
    "data2vec": data2vec,
    "dpt": dpt,
    "sam": sam,
    "upernet-swin": lambda: upernet("swin"),
    "upernet-convnext": lambda: upernet("convnext"),
    "mask2former-swin": lambda: mask2former("swin"),
    "mask2former-convnext": lambda: mask2former("convnext"),
}


@torch.no_grad()
def wake(model: nn.Module) -> nn.Module:
    """Random numbers of ordinary size in every weight: fresh networks start near zero, and would hide any error."""
    generator = torch.Generator().manual_seed(1)
    for name, value in model.named_parameters():
        if value.ndim > 1:
            fan = value[0].numel() if value.shape[0] > 1 else value.shape[-1]
            value.copy_(torch.randn(value.shape, generator=generator) / max(1.0, fan**0.5))
        elif "norm" not in name and "lambda" not in name:
            value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return model.eval()


def outputs(model: nn.Module, pixels: torch.Tensor) -> list[torch.Tensor]:
    """Every tensor of scores that a network gives for images [N, 3, H, W]."""
    result = model(pixels)
    names = ("logits", "class_queries_logits", "masks_queries_logits", "last_hidden_state")
    if isinstance(result, torch.Tensor):
        return [result]
    found = [getattr(result, name) for name in names if getattr(result, name, None) is not None]
    assert found
    return found
