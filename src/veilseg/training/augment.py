"""Augmentation of plain samples, on any device.

All of it comes before encryption, after which nothing may touch geometry or values. What changes is drawn sample by
sample on the CPU; the pixels are then changed for a whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from veilseg.data.base import IGNORED
from veilseg.training.recipe import AugmentSection

BLUR_REACH = 4  # pixels to every side: over three times the widest blur


@dataclass(frozen=True)
class Changes:
    """What augmentation does to one sample.

    Attributes:
        box: top, left, height and width of what is cut out, in whole pixels; it may reach beyond the image.
        flip: left and right change places.
        gamma: exponent of a value in 0 to 1.
        gain: the factor of each channel about the middle grey.
        shift: added to every value.
        saturation: distance to the pixel's grey; 1 leaves it.
        blur: standard deviation of a Gaussian in pixels; 0 leaves the image sharp.
        noise: standard deviation of Gaussian noise, of a value in 0 to 1.
        seed: of the noise, and of the keys of shuffled images.
    """

    box: tuple[int, int, int, int]
    flip: bool = False
    gamma: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shift: float = 0.0
    saturation: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    seed: int = 0


def draw_changes(size: tuple[int, int], section: AugmentSection, rng: np.random.Generator, seed: int = 0) -> Changes:
    """A crop at a random scale and place of an image of `size` (height, width), perhaps flipped, in another light."""
    low, high = section.scale
    scale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    stretch = float(np.exp(rng.uniform(-0.1, 0.1)))  # objects are not all of one aspect
    height, width = max(1, round(section.crop[0] / scale)), max(1, round(section.crop[1] / scale * stretch))
    box = (_position(height, size[0], rng), _position(width, size[1], rng), height, width)
    flip = section.flip and rng.random() < 0.5
    strength = section.photometric
    if not strength:
        return Changes(box, flip, seed=seed)
    gamma, contrast = np.exp(rng.uniform(-0.4, 0.4) * strength), np.exp(rng.uniform(-0.35, 0.35) * strength)
    shift = rng.uniform(-0.12, 0.12) * strength
    gain = contrast * np.exp(rng.uniform(-0.15, 0.15, 3) * strength)
    saturation = np.exp(rng.uniform(-0.6, 0.4) * strength) if rng.random() < 0.5 else 1.0
    blur = rng.uniform(0.3, 1.2) * strength if rng.random() < 0.2 else 0.0
    noise = rng.uniform(2, 8) / 255 * strength if rng.random() < 0.2 else 0.0
    red, green, blue = (float(value) for value in gain)
    light = (float(gamma), (red, green, blue), float(shift), float(saturation), float(blur), float(noise))
    return Changes(box, flip, *light, seed=seed)


def cut(image: Tensor, label: Tensor, changes: Changes, crop: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The box of one sample at the size of the crop, flipped where that was drawn.

    image: uint8 [3, H, W]; label: uint8 [H, W], 255 = ignored. Returns uint8 [3, h, w] and [h, w]; what lies outside of
    the image is filled by repeating its border and labelled 255.
    """
    top, left, height, width = changes.box
    sides = label.shape
    rows, columns = (
        torch.arange(start, start + length, device=label.device) for start, length in ((top, height), (left, width))
    )
    if top < 0 or left < 0 or top + height > sides[0] or left + width > sides[1]:
        region = image[:, rows.clamp(0, sides[0] - 1)][:, :, columns.clamp(0, sides[1] - 1)]
    else:
        region = image[:, top : top + height, left : left + width]
    if region.device.type != "cpu":
        region = region.float()  # the antialiased resize of bytes exists for CPUs only
    resized = F.interpolate(region[None], size=crop, mode="bilinear", align_corners=False, antialias=True)[0]
    # The class in the middle of every pixel of the crop.
    rows, columns = (
        start + (torch.arange(out, device=label.device) * 2 + 1) * length // (2 * out)
        for start, length, out in ((top, height, crop[0]), (left, width, crop[1]))
    )
    ids = label[rows.clamp(0, sides[0] - 1)][:, columns.clamp(0, sides[1] - 1)]
    outside = ((rows < 0) | (rows >= sides[0]))[:, None] | ((columns < 0) | (columns >= sides[1]))
    ids = ids.masked_fill(outside, IGNORED)
    pixels = resized if resized.dtype == torch.uint8 else resized.round().clamp(0, 255).to(torch.uint8)
    return (pixels.flip(-1), ids.flip(-1)) if changes.flip else (pixels, ids)


def cut_all(images: Tensor, labels: Tensor, changes: Sequence[Changes], crop: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """`cut` of a batch of samples of one size, as a few large operations: what a GPU wants. Equal to one level.

    images: uint8 [N, 3, H, W]; labels: uint8 [N, H, W]. Returns uint8 [N, 3, h, w] and [N, h, w].
    """
    size = (images.shape[2], images.shape[3])
    numbers = _on_device([(*one.box, one.flip) for one in changes], images.device).long()
    top, left, height, width, flip = (each[:, None] for each in numbers.unbind(1))
    longest = [max(one.box[2 + axis] for one in changes) for axis in (0, 1)]
    down, row = _lines(top, height, size[0], crop[0], longest[0])
    across, column = _lines(left, width, size[1], crop[1], longest[1])
    across = torch.where(flip[..., None] > 0, across.flip(1), across)
    column = torch.where(flip > 0, column.flip(1), column)
    pixels = (down[:, None] @ images.float() @ across.mT[:, None]).round_().clamp_(0, 255).to(torch.uint8)
    which = torch.arange(len(images), device=images.device)[:, None, None]
    ids = labels[which, row.clamp(0, size[0] - 1)[:, :, None], column.clamp(0, size[1] - 1)[:, None]]
    outside = ((row < 0) | (row >= size[0]))[:, :, None] | ((column < 0) | (column >= size[1]))[:, None]
    return pixels, ids.masked_fill(outside, IGNORED)


def cut_answers(answers: Tensor, size: tuple[int, int], changes: Sequence[Changes], out: tuple[int, int]) -> Tensor:
    """The boxes of a batch in maps that cover whole images of `size`: float [N, K, h, w] to [N, K, *out], bilinear."""
    numbers = _on_device([(*one.box, one.flip) for one in changes], answers.device)
    top, left, height, width, flip = (each[:, None] for each in numbers.unbind(1))
    y, x = (
        2 * (start + (torch.arange(count, device=answers.device) + 0.5) * length / count) / side - 1
        for start, length, side, count in ((top, height, size[0], out[0]), (left, width, size[1], out[1]))
    )
    x = torch.where(flip > 0, x.flip(1), x)
    shape = (len(answers), *out)
    places = torch.stack((x[:, None].expand(shape), y[:, :, None].expand(shape)), dim=-1)
    return F.grid_sample(answers.float(), places, mode="bilinear", padding_mode="border", align_corners=False)


def _lines(start: Tensor, length: Tensor, side: int, out: int, longest: int) -> tuple[Tensor, Tensor]:
    """One axis of a batch's boxes, of `start` and `length` int64 [N, 1], `out` pixels of the crop.

    Returns the share of each line of the image in each of the crop, float [N, out, side] (antialiased bilinear, as
    Pillow has it), and the line in the middle of each of the crop, int64 [N, out], which may lie outside.
    """
    place = torch.arange(out, device=start.device)
    middle = start + (place * 2 + 1) * length // (2 * out)
    scale = (length / out)[..., None]
    inside = torch.arange(longest, device=start.device)
    distance = (inside + 0.5 - (place[:, None] + 0.5) * scale) / scale.clamp(min=1)
    shares = (1 - distance.abs()).clamp(min=0) * (inside < length)[:, None]
    shares = shares / shares.sum(-1, keepdim=True)
    line = (start + inside).clamp(0, side - 1)[:, None].expand(shares.shape)  # beyond the image its border is repeated
    return shares.new_zeros(*shares.shape[:2], side).scatter_add_(2, line, shares), middle


def relight(images: Tensor, changes: Sequence[Changes]) -> Tensor:
    """Uint8 [N, 3, H, W] in the drawn light: exposure, contrast, colours, then blur and noise."""
    device = images.device
    drawn = [(change.gamma, *change.gain, change.shift, change.saturation) for change in changes]
    numbers = _on_device(drawn, device)[..., None, None]
    gamma, gain, shift, saturation = numbers[:, :1], numbers[:, 1:4], numbers[:, 4:5], numbers[:, 5:]
    # In place: fresh memory costs as much as the arithmetic.
    values = images.float().div_(255).pow_(gamma).sub_(0.5).mul_(gain).add_(shift + 0.5).clamp_(0, 1)
    grey = values.mean(1, keepdim=True)
    values.sub_(grey).mul_(saturation).add_(grey)
    for index, change in enumerate(changes):
        if change.blur:
            values[index] = _blurred(values[index], change.blur)
        if change.noise:
            generator = torch.Generator(device).manual_seed(change.seed)
            values[index] += torch.randn(values.shape[1:], generator=generator, device=device) * change.noise
    pixels: Tensor = values.mul_(255).round_().clamp_(0, 255).to(torch.uint8)
    return pixels


def _on_device(rows: Sequence[tuple[float, ...]], device: torch.device) -> Tensor:
    """Float [N, ...] of what was drawn, sent while the device works."""
    numbers = torch.tensor(rows, dtype=torch.float32)
    return (numbers.pin_memory() if device.type == "cuda" else numbers).to(device, non_blocking=True)


def _position(box: int, side: int, rng: np.random.Generator) -> int:
    slack = side - box
    return int(rng.integers(0, slack + 1)) if slack > 0 else slack // 2


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """Float [3, H, W] under a Gaussian, its border repeated."""
    distance = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=image.device)
    weights = torch.exp(-((distance / sigma) ** 2) / 2)
    weights = weights / weights.sum()
    padded = F.pad(image[:, None], (BLUR_REACH,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, weights.reshape(1, 1, 1, -1)), weights.reshape(1, 1, -1, 1))[:, 0]
