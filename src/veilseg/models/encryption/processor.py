"""Image processors of transformers: their statistics go into the model, and the rest is the client's to do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.errors import InvalidModelError
from veilseg.inputspec import CONFIG_KEY
from veilseg.models.encryption.statistics import PixelStatistics

_VALUES = ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")


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
        setattr(rest, CONFIG_KEY, {name: getattr(processor, name, None) for name in _VALUES})
    rest.do_rescale = rest.do_normalize = False
    return rest


def client_images(processor: Any, image: object) -> list[np.ndarray]:
    """What a client encrypts for a transformers model: `image` after all that the processor does except statistics.

    `processor`: the image processor, as it was or with its statistics taken out, or a folder that holds one. `image`:
    uint8 [H, W, 3] or a PIL image. Gives uint8 [H', W', 3], one array as a rule, several from a processor that cuts an
    image into windows (EoMT). The processor runs as for the plain model and its statistics are undone, so the values
    are exactly those that the plain model is given. Where it pads after normalizing (SAM, Mask2Former), padding is the
    mean rounded to whole values: off by at most half a step.
    """
    used = load_processor(processor) if isinstance(processor, str | Path) else copy.deepcopy(processor)
    if used is None:
        raise InvalidModelError(f"{processor} holds no image processor", "save one there with transformers")
    for name, value in (getattr(used, CONFIG_KEY, None) or {}).items():
        setattr(used, name, value)
    statistics = PixelStatistics.of_processor(used)
    given = used(images=image, return_tensors="np")["pixel_values"]
    arrays = []
    for values in given:
        raw = np.asarray(values, np.float64).transpose(1, 2, 0) * statistics.std + statistics.mean
        arrays.append(np.rint(raw).clip(0, 255).astype(np.uint8))
    return arrays


def client_image(processor: Any, image: np.ndarray) -> np.ndarray:
    """`client_images` where that is one. Raises InvalidModelError for a processor that cuts images into windows."""
    prepared = client_images(processor, image.copy())  # torch warns of arrays that cannot be written
    if len(prepared) != 1:
        raise InvalidModelError(
            f"the model's image processor cuts a photograph of {image.shape[1]} x {image.shape[0]} into windows",
            "encrypt each of veilseg.models.client_images, or choose a size yourself: --longer-side",
        )
    return prepared[0]
