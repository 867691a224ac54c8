"""FCN (Long et al., CVPR 2015) as torchvision builds it: for the conventional ciphers [Kiya 2022, Table 2]."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from veilseg.errors import UsageError
from veilseg.models.networks.normalize import Normalize

_BACKBONES = ("resnet18", "resnet50", "resnet101")


class FCN(nn.Module):
    """Raw pixels float [N, 3, H, W] to logits [N, K, H, W], H and W multiples of 8.

    `backbone` "resnet50" or "resnet101", from scratch or with torchvision's ImageNet weights (`pretrained`); or, for
    training on a CPU, "resnet18", whose blocks torchvision cannot dilate: its last stage keeps the resolution of the
    one before, a sixteenth (the others end with an eighth). `mean` and `std` are in stored values (0..255; 0..999 for
    "ffx", whose divisor is the greatest value of its table). The stem overlaps, so they stay a layer, and no key can be
    built into this network: it is trained on encrypted images.
    """

    size_multiple = 8

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        pretrained: bool = False,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (255.0, 255.0, 255.0),
    ) -> None:
        super().__init__()
        if backbone not in _BACKBONES:
            raise UsageError(f"FCN has no backbone {backbone!r}", f"one of {', '.join(_BACKBONES)}")
        self.normalize = Normalize(mean, std)
        self.fcn: Any = _fcn(backbone, num_classes, "DEFAULT" if pretrained else None)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.fcn(self.normalize(images))["out"]
        return scores

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits and those of the auxiliary head, float [N, K, H, W] both."""
        scores = self.fcn(self.normalize(images))
        return scores["out"], [scores["aux"]]


def _fcn(backbone: str, num_classes: int, weights: str | None) -> nn.Module:
    from torchvision import models
    from torchvision.models import segmentation
    from torchvision.models._utils import IntermediateLayerGetter
    from torchvision.models.segmentation.fcn import FCNHead

    if backbone != "resnet18":
        made: nn.Module = getattr(segmentation, f"fcn_{backbone}")(
            weights=None, weights_backbone=weights, num_classes=num_classes, aux_loss=True
        )
        return made
    resnet = models.resnet18(weights=weights)
    first = resnet.layer4[0]
    first.conv1.stride = first.downsample[0].stride = (1, 1)
    maps = IntermediateLayerGetter(resnet, {"layer3": "aux", "layer4": "out"})
    return segmentation.FCN(maps, FCNHead(512, num_classes), FCNHead(256, num_classes))  # type: ignore[no-any-return]
