"""How a network's images were normalized: statistics go into the model, the rest of a processor is the client's."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import CONFIG_KEY

Three = tuple[float, float, float]
_VALUES = ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std", "offset", "rescale_offset")


@dataclass(frozen=True)
class PixelStatistics:
    """A network takes (pixel - mean) / std per channel; all in pixel values (0..255)."""

    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(value > 0 for value in self.std):
            raise InvalidModelError(f"images cannot be normalized by a standard deviation of {min(self.std)}")

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """What a network takes for pixels 0..255 [..., 3], in float64."""
        normalized: np.ndarray = (pixels - np.array(self.mean)) / np.array(self.std)
        return normalized

    @classmethod
    def of_fractions(cls, mean: Sequence[float] | None, std: Sequence[float] | None) -> PixelStatistics:
        """From statistics of pixel / 255, as timm and torchvision state them; None is 0 and 1."""
        return cls(_three(0.0 if mean is None else mean, 255.0), _three(1.0 if std is None else std, 255.0))

    @classmethod
    def of_processor(cls, processor: object) -> PixelStatistics:
        """From a transformers image processor, or the dict that its to_dict or preprocessor_config.json holds.

        rescale_factor, image_mean and image_std count where do_rescale and do_normalize are on, and an offset of 1
        that is taken off rescaled values. Raises InvalidModelError for a processor that does not say what it does.
        """
        processor = getattr(processor, "image_processor", processor)  # of a processor for images and prompts
        data = processor if isinstance(processor, Mapping) else vars(processor)
        rescales = data.get("do_rescale", True)
        unit = 1.0 / float(data.get("rescale_factor") or 1 / 255) if rescales else 1.0
        shift = 1.0 if rescales and (data.get("rescale_offset") or data.get("offset")) else 0.0  # ViViT: to -1..1 first
        if not data.get("do_normalize", True):
            return cls(_three(shift, unit), _three(1.0, unit))
        mean, std = data.get("image_mean"), data.get("image_std")
        if mean is None or std is None:
            raise InvalidModelError("this image processor normalizes, but does not say by which mean and std")
        first, second, third = _three(mean, unit)
        return cls((first + shift * unit, second + shift * unit, third + shift * unit), _three(std, unit))


def statistics_of(
    mean: Sequence[float] | None, std: Sequence[float] | None, processor: object | None
) -> PixelStatistics | None:
    """The statistics that are given as mean and std, or by an image processor; None where neither is."""
    if mean is None and std is None and processor is None:
        return None
    if processor is None:
        return PixelStatistics.of_fractions(mean, std)
    if mean is not None or std is not None:
        raise UsageError("mean and std are the processor's own", "give either the processor, or mean and std")
    return PixelStatistics.of_processor(processor)


def load_processor(folder: str | Path) -> Any | None:
    """The image processor saved in a model's folder, or None where there is none; nothing is fetched."""
    from transformers import AutoImageProcessor

    path = Path(folder)
    if not any((path / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        return None
    try:
        return AutoImageProcessor.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidModelError(
            f"the image processor in {path} cannot be read", "save it again with transformers"
        ) from error


def without_statistics(processor: Any) -> Any:
    """A copy of an image processor that leaves values as they are: resizing and padding remain, for the client.

    What was taken out stays noted under "veilseg", for `client_images`.
    """
    rest = copy.deepcopy(processor)
    if getattr(rest, CONFIG_KEY, None) is None:
        setattr(rest, CONFIG_KEY, {name: getattr(processor, name) for name in _VALUES if hasattr(processor, name)})
    for name in ("do_rescale", "do_normalize", "offset", "rescale_offset"):
        if hasattr(rest, name):
            setattr(rest, name, False)
    return rest


def client_images(processor: Any, image: object) -> list[np.ndarray]:
    """What a client encrypts for a transformers model: `image` after all that the processor does except statistics.

    `processor`: the image processor, as it was or with its statistics taken out, or a folder that holds one. `image`:
    uint8 [H, W, 3] or a PIL image, or a list of frames for one that takes videos. Gives uint8 [H', W', 3], one array as
    a rule, several from a processor that cuts an image into windows (EoMT), and one for every frame of a video. The
    processor runs as for the plain model and its statistics are undone, so the values are exactly those that the plain
    model is given. Where it pads after normalizing (SAM, Mask2Former), padding is the mean rounded to whole values: off
    by at most half a step.
    """
    used = load_processor(processor) if isinstance(processor, str | Path) else copy.deepcopy(processor)
    if used is None:
        raise InvalidModelError(f"{processor} holds no image processor", "save one there with transformers")
    for name, value in (getattr(used, CONFIG_KEY, None) or {}).items():
        setattr(used, name, value)
    statistics = PixelStatistics.of_processor(used)
    made = used(images=image, return_tensors="np")
    arrays = []
    for values in _pictures(made):
        raw = np.asarray(values, np.float64).transpose(1, 2, 0) * statistics.std + statistics.mean
        arrays.append(np.rint(raw).clip(0, 255).astype(np.uint8))
    return arrays


def _pictures(made: Mapping[str, Any]) -> Iterator[np.ndarray]:
    """What a processor has made, as pictures [3, H, W]: frames of videos, and patches put together again (SigLIP2)."""
    for index, values in enumerate(np.asarray(part) for part in made["pixel_values"]):
        if values.ndim == 2:
            rows, columns = (int(count) for count in made["spatial_shapes"][index])
            side = math.isqrt(values.shape[1] // 3)
            parts = values[: rows * columns].reshape(rows, columns, side, side, 3)
            yield parts.transpose(4, 0, 2, 1, 3).reshape(3, rows * side, columns * side)
        else:
            yield from values[None] if values.ndim == 3 else values


def client_image(processor: Any, image: np.ndarray) -> np.ndarray:
    """`client_images` where that is one, of the whole photograph alone, so that a map of it can be enlarged.

    Raises InvalidModelError for a processor that cuts windows, crops or pads.
    """
    prepared = client_images(processor, image.copy())  # torch warns of arrays that cannot be written
    height, width = prepared[0].shape[:2]
    even = abs(height * image.shape[1] - width * image.shape[0]) <= max(image.shape)
    cuts = "cuts into windows" if len(prepared) != 1 else ""
    cuts = cuts or ("crops" if getattr(processor, "do_center_crop", False) else "")
    cuts = cuts or ("pads" if getattr(processor, "do_pad", False) and not even else "")
    if cuts:
        raise InvalidModelError(
            f"the model's image processor {cuts} a photograph of {image.shape[1]} x {image.shape[0]} pixels",
            "choose a size yourself with --longer-side, or encrypt what veilseg.models.client_images gives",
        )
    return prepared[0]


def _three(values: Any, unit: float) -> Three:
    listed = [float(value) * unit for value in (values if hasattr(values, "__len__") else [values])]
    if len(listed) == 1:
        listed *= 3
    if len(listed) != 3:
        raise InvalidModelError(f"statistics of {len(listed)} channels do not fit images of three")
    return (listed[0], listed[1], listed[2])
