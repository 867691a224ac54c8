"""Copies of the plain patch embedding elsewhere in a model: brought along, or a reason to refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from veilseg.errors import InvalidModelError

# The correlation from which a tensor counts as the embedding once more; that of others is near 0.
RESEMBLANCE = 0.5
# The same for single filters, which are shorter, and from this length on do not come so near by chance.
RESEMBLANCE_OF_FILTERS, _SHORTEST = 0.9, 27
_FILTERS = 16


@torch.no_grad()
def replace_copies(model: nn.Module, conv: nn.Conv2d, before: Tensor) -> None:
    """Let no tensor of `model` keep the weight that `conv` had `before`.

    Exact copies (a buffer beside it, say) stay copies and get the new weight. What resembles it, whole or in parts (a
    moving average, a scaled, rounded or transposed copy, its filters in another order, a piece of a larger tensor or
    of an attribute that is no buffer), has a meaning that is not known here: InvalidModelError.
    """
    rows = before.float().flatten(1)
    if rows.std() == 0:  # not initialized: nothing to hide, and equal to every other constant
        return
    for name, tensor in _tensors(model):
        if tensor is conv.weight or tensor.numel() < before.numel() or tensor.is_meta:
            continue
        if tensor.shape == before.shape and torch.equal(tensor.to(before), before):
            tensor.copy_(conv.weight)
        elif _resembles(tensor.detach().float().to(rows.device), before.float()):
            raise InvalidModelError(
                f"{name} holds the plain patch embedding once more, so encrypting the stem alone would not hide it",
                "take it out of the model (an average or a teacher is not needed to run it)",
            )


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers, and tensors in plain attributes, lists and dicts of any module, with their names."""
    yield from model.named_parameters()
    yield from model.named_buffers()
    for path, part in model.named_modules():
        for name, value in vars(part).items():
            if not name.startswith("_"):
                yield from _inside(f"{path}.{name}".lstrip("."), value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        yield name, torch.from_numpy(value)
    elif isinstance(value, nn.Module):  # in a list that torch does not look into
        yield from ((f"{name}.{inner}", tensor) for inner, tensor in value.named_parameters())
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _inside(f"{name}[{key!r}]", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _inside(f"{name}[{index}]", inner)


def _resembles(tensor: Tensor, weight: Tensor) -> bool:
    """Whether `weight` [D, 3, h, w] as a whole, or most of its filters in any order, stand in `tensor`."""
    if tensor.numel() % weight.numel() == 0:
        whole = [weight, weight.flatten(1).T, weight.permute(0, 2, 3, 1), weight.flip(1)]
        forms = torch.stack([_centred(form.flatten()) for form in whole])
        if bool((_centred(tensor.reshape(-1, weight.numel())) @ forms.T).abs().max() > RESEMBLANCE):
            return True
    length = weight[0].numel()
    if length < _SHORTEST:
        return False
    chosen = weight[:: max(1, len(weight) // _FILTERS)]
    for filters in (_centred(chosen.flatten(1)), _centred(chosen.permute(0, 2, 3, 1).flatten(1))):
        if tensor.ndim == 1:  # whatever it holds, one after the other
            if _most([_best_run(tensor, row) for row in filters[:4]]):
                return True
            continue
        tables = [tensor.reshape(-1, tensor.shape[-1]), tensor.reshape(len(tensor), -1)]
        for table in [*tables, *(table.T for table in tables)]:
            if table.shape[1] == length and _most((_centred(table) @ filters.T).abs().amax(0).tolist()):
                return True
    return False


def _most(likeness: list[float]) -> bool:
    return 2 * sum(value > RESEMBLANCE_OF_FILTERS for value in likeness) > len(likeness)


def _best_run(values: Tensor, wanted: Tensor) -> float:
    """The greatest correlation of `wanted` [n] with n consecutive `values`, by way of Fourier space."""
    n, size = len(wanted), len(values) + len(wanted)
    padded = torch.cat([values.new_zeros(1), values - values.mean()]).double()
    sums, powers = padded.cumsum(0), padded.square().cumsum(0)
    floor = 1e-3 * n * float(powers[-1]) / len(values) + 1e-30  # runs of equal values resemble nothing
    spread = (powers[n:] - powers[:-n] - (sums[n:] - sums[:-n]).square() / n).clamp_min(floor).sqrt()
    spectrum = torch.fft.rfft(padded[1:], size) * torch.fft.rfft(wanted.double(), size).conj()
    return float((torch.fft.irfft(spectrum, size)[: len(spread)] / spread).abs().max())


def _centred(values: Tensor) -> Tensor:
    """[..., n] without its mean and of length 1, so that products are correlations."""
    return nn.functional.normalize(values - values.mean(dim=-1, keepdim=True), dim=-1)
