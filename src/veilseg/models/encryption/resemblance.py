"""Whether a tensor holds filters of a patch embedding: scaled, rounded, in another order, padded, or in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

# The correlation from which a tensor counts as the embedding once more; that of others is near 0.
WHOLE = 0.5
# The same for single filters, which are shorter, and from this length on do not come so near by chance; two of them
# are a piece. A window of a filter is looked for first.
FILTER, WINDOW, _SHORTEST, _WINDOW, _PIECE = 0.95, 0.85, 27, 48, 2
# How many filters are looked for row by row, and how many anywhere; values searched at once.
_FILTERS, _RUNS, _CHUNK = 64, 8, 1 << 20
#: Windows looked at whole, per filter and chunk.
_BEST = 64
#: A run of fewer values (a few constants one after the other, as in a widened bias) comes near a filter by chance.
_LEVELS = 8


def resembles(tensor: Tensor, weight: Tensor) -> bool:
    """Whether float32 `weight` [D, ...], or two filters of it, stand in `tensor` (float32, any shape)."""
    orders = list(_orders(weight))
    if tensor.numel() and tensor.numel() % weight.numel() == 0:
        forms = torch.stack([_centred(form.flatten()) for form in [*orders, weight.flatten(1).T]])
        if bool((_centred(tensor.reshape(-1, weight.numel())) @ forms.T).abs().max() > WHOLE):
            return True
    length = weight[0].numel()
    if length < _SHORTEST or tensor.numel() < _PIECE * length:
        return False
    return any(_rows(tensor, filters) or _anywhere(tensor, filters) for filters in orders)


def _orders(weight: Tensor) -> Iterator[Tensor]:
    """The filters [D, L] with their values as they are, with channels last (or first again), and as BGR."""
    count = len(weight)
    first, last = weight.reshape(count, 3, -1), weight.reshape(count, -1, 3)
    yield weight.flatten(1)
    yield first.transpose(1, 2).flatten(1)
    yield first.flip(1).flatten(1)
    if weight.ndim == 2:  # a Linear, which may have them last
        yield last.transpose(1, 2).flatten(1)


def _rows(tensor: Tensor, filters: Tensor) -> bool:
    """Whether rows or columns as long as a filter are filters, in any order."""
    if tensor.ndim < 2:
        return False
    chosen = _centred(filters[:: max(1, len(filters) // _FILTERS)])
    tables = [tensor.reshape(-1, tensor.shape[-1]), tensor.reshape(len(tensor), -1)]
    for table in [*tables, *(table.T for table in tables)]:
        if table.shape[1] == chosen.shape[1]:
            near = (_centred(table) @ chosen.T).abs().amax(0)
            if int((near > FILTER).sum()) >= min(_PIECE, len(chosen)):
                return True
    return False


def _anywhere(tensor: Tensor, filters: Tensor) -> bool:
    """Whether filters stand in a tensor of other sides, one value after the other: padded, or in a larger buffer."""
    length = filters.shape[1]
    chosen = filters[:: max(1, len(filters) // _RUNS)]
    runs = [tensor.flatten()] if tensor.ndim < 2 or tensor.shape[-1] != length else []
    if tensor.ndim == 2 and len(tensor) > length:
        runs.append(tensor.T.flatten())
    return any(_found(values, chosen) >= min(_PIECE, len(chosen)) for values in runs)


def _found(values: Tensor, filters: Tensor) -> int:
    """How many of `filters` [k, L] stand in `values` [n]: by a window of each, and the whole filter where that is."""
    length = filters.shape[1]
    width = min(_WINDOW, length)
    first = (length - width) // 2
    windows, whole = _centred(filters[:, first : first + width])[:, None], _centred(filters)
    found: set[int] = set()
    for start in range(0, max(1, len(values) - length + 1), _CHUNK):
        part = values[start : start + _CHUNK + length - 1]
        part = part - part.mean()
        mean, power = (F.avg_pool1d(one[None, None], width, 1)[0, 0] for one in (part, part.square()))
        floor = 1e-3 * part.square().mean() + 1e-30  # runs of equal values resemble nothing
        spread = (width * (power - mean.square()).clamp_min(floor)).sqrt()
        likeness = F.conv1d(part[None, None], windows)[0].abs() / spread
        near, where = likeness.topk(min(_BEST, likeness.shape[1]))
        for index, rank in torch.nonzero(near > WINDOW).tolist():
            begin = int(where[index, rank]) - first
            run = part[max(0, begin) : begin + length]
            if begin < 0 or len(run) < length or len(torch.unique(run)) < _LEVELS:
                continue
            if float((_centred(run) @ whole[index]).abs()) > FILTER:
                found.add(index)
    return len(found)


def _centred(values: Tensor) -> Tensor:
    """[..., n] without its mean and of length 1, so that products are correlations."""
    return F.normalize(values - values.mean(dim=-1, keepdim=True), dim=-1)
