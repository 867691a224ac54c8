"""How a network's images were normalized, in one form, whoever states it: numbers as in timm, or an image processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veilseg.errors import InvalidModelError

Three = tuple[float, float, float]


@dataclass(frozen=True)
class PixelStatistics:
    """A network takes (pixel - mean) / std per channel; all in pixel values (0..255)."""

    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(value > 0 for value in self.std):
            raise InvalidModelError(f"images cannot be normalized by a standard deviation of {min(self.std)}")

    @classmethod
    def of_fractions(cls, mean: Sequence[float] | None, std: Sequence[float] | None) -> PixelStatistics:
        """From statistics of pixel / 255, as timm and torchvision state them; None is 0 and 1."""
        return cls(_three(0.0 if mean is None else mean, 255.0), _three(1.0 if std is None else std, 255.0))

    @classmethod
    def of_processor(cls, processor: object) -> PixelStatistics:
        """From a transformers image processor, or the dict that its to_dict or preprocessor_config.json holds.

        rescale_factor, image_mean and image_std count where do_rescale and do_normalize are on. Raises
        InvalidModelError for a processor that does something else to the values.
        """
        processor = getattr(processor, "image_processor", processor)  # of a processor for images and prompts
        data = processor if isinstance(processor, Mapping) else vars(processor)
        if data.get("rescale_offset") or data.get("offset"):
            raise InvalidModelError("this image processor shifts values before it normalizes them", "pass mean and std")
        unit = 1.0 / float(data.get("rescale_factor") or 1 / 255) if data.get("do_rescale", True) else 1.0
        if not data.get("do_normalize", True):
            return cls(std=_three(1.0, unit))
        mean, std = data.get("image_mean"), data.get("image_std")
        if mean is None or std is None:
            raise InvalidModelError("this image processor normalizes, but does not say by which mean and std")
        return cls(_three(mean, unit), _three(std, unit))


def _three(values: Any, unit: float) -> Three:
    listed = [float(value) * unit for value in (values if hasattr(values, "__len__") else [values])]
    if len(listed) == 1:
        listed *= 3
    if len(listed) != 3:
        raise InvalidModelError(f"statistics of {len(listed)} channels do not fit images of three")
    return (listed[0], listed[1], listed[2])
