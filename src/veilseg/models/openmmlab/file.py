"""An OpenMMLab checkpoint read as data: tensors and plain values; objects of other kinds become empty placeholders."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from veilseg.errors import InvalidModelError


class Inert:
    """Stands for every object that torch's weights_only does not know: it takes anything, keeps and does nothing."""

    __slots__ = ()

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], object]:
    """(tensors by the names in the file, meta) of a checkpoint; InvalidModelError where it cannot be read safely."""
    data = _load(path)
    content = data.get("state_dict", data) if isinstance(data, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        raise InvalidModelError(f"{path} holds no state_dict", "give a checkpoint of OpenMMLab's mmsegmentation")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}, data.get("meta")


def _load(path: Path) -> Any:
    """What torch.load with weights_only makes of the file, every name that it does not know standing for Inert.

    Such names (mmengine's HistoryBuffer, numpy's numbers) are keys of torch's table, never imported or called; torch
    refuses those of `os` and `sys` even so. Only files in the zip format, torch 1.6 and later, can be listed.
    """
    try:
        zipped = zipfile.is_zipfile(path)
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path) if zipped else []
        with torch.serialization.safe_globals([(Inert, name) for name in names]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InvalidModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # damaged files raise nearly every kind
        if isinstance(error, pickle.UnpicklingError) and _begins_as_checkpoint(path):
            raise InvalidModelError(
                f"{path} holds objects that are not read, as they could run code",
                "do not open it otherwise either; ask its author for a file of tensors and plain values, "
                "{'state_dict': ..., 'meta': {'cfg': TEXT}}",
            ) from error
        raise InvalidModelError(
            f"{path} is no checkpoint, or only a part of one", "give the .pth file as mmsegmentation saved it"
        ) from error


def _begins_as_checkpoint(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")  # a zip file, or the pickle of torch before 1.6
