"""OpenMMLab's SETR-MLA, made by mmsegmentation itself; `pip install --no-deps -r .ci/peers.txt` installs that."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from typing import Any

#: configs/setr/setr_vit-l_mla_8xb1-160k_ade20k-512x512.py, with the ViT-B/16 and the classes of bench/inference.py.
_NORM = {"type": "BN", "requires_grad": True}
_WIDTH, _CHANNELS, _CLASSES = 768, 256, 19


def models() -> Any:
    """The module mmseg.models, of any version. ImportError where it is not installed.

    The compiled operators of mmcv, which it imports and SETR does not use, are stood in for by empty classes.
    """

    class Operators(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mmcv")
        try:
            importlib.import_module("mmcv.ops")
        except ImportError:
            for name in [name for name in sys.modules if name.startswith("mmcv.ops")]:
                del sys.modules[name]
            sys.modules["mmcv.ops"] = Operators("mmcv.ops")
        return importlib.import_module("mmseg.models")


def registry() -> Any:
    """Mmsegmentation's registry of models, since 1.0. ImportError where it is not installed."""
    importlib.import_module("mmengine")
    models()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mmengine.registry").init_default_scope("mmseg")
        return importlib.import_module("mmseg.registry").MODELS


def setr_mla(side: int) -> Any:
    """SETR-MLA on a ViT-B/16 for images of side x side, with random weights, to infer with. Raises as `registry`."""
    size = (side, side)
    config = {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "SegDataPreProcessor", "size": size},
        "backbone": {
            "type": "VisionTransformer",
            "img_size": size,
            "patch_size": 16,
            "embed_dims": _WIDTH,
            "num_layers": 12,
            "num_heads": 12,
            "out_indices": (2, 5, 8, 11),
            "with_cls_token": False,
            "interpolate_mode": "bilinear",
            "norm_cfg": {"type": "LN", "eps": 1e-6, "requires_grad": True},
        },
        "neck": {
            "type": "MLANeck",
            "in_channels": [_WIDTH] * 4,
            "out_channels": _CHANNELS,
            "norm_cfg": _NORM,
            "act_cfg": {"type": "ReLU"},
        },
        "decode_head": {
            "type": "SETRMLAHead",
            "in_channels": (_CHANNELS,) * 4,
            "channels": 2 * _CHANNELS,
            "in_index": (0, 1, 2, 3),
            "mla_channels": _CHANNELS // 2,
            "num_classes": _CLASSES,
            "dropout_ratio": 0,
            "norm_cfg": _NORM,
            "align_corners": False,
        },
        "train_cfg": {},
        "test_cfg": {"mode": "whole"},
    }
    found = registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found.build(config).eval()
