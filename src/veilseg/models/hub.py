"""Where a model lies: inside the package, in a folder, or on the Hugging Face Hub, from which it is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veilseg.errors import InvalidModelError
from veilseg.modelfolder import is_hub_id, local_folder

_FETCHED = ["*config.json", "*.safetensors", "*.safetensors.index.json"]  # no pickle, no code


def find_folder(source: str | Path, **options: Any) -> Path:
    """The folder of a shipped model, the folder given, or that of a Hub id, which is fetched.

    `options` go to huggingface_hub.snapshot_download (revision, token, ...). Raises InvalidModelError for none.
    """
    folder = local_folder(source)
    if folder is not None:
        return folder
    if not is_hub_id(source):
        raise InvalidModelError(
            f"there is no model at {source}", "give a folder with config.json and model.safetensors, or a Hub id"
        )
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(str(source), allow_patterns=_FETCHED, **options))
    except Exception as error:  # the Hub's client raises its own, requests' and httpx's errors
        raise InvalidModelError(
            f"there is no folder {source}, and the Hub gave nothing by that name ({type(error).__name__})",
            "check the name and the network",
        ) from error
