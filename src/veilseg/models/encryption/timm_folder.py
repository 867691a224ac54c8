"""Models of timm as folders, in the layout that timm saves for the Hub: loaded, and saved when they are encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veilseg.errors import InvalidModelError
from veilseg.inputspec import CONFIG_KEY
from veilseg.modelconfig import WEIGHTS_NAME
from veilseg.modelfolder import open_folder
from veilseg.models.encryption.marks import SPEC_ATTRIBUTE, input_spec


def load_timm(folder: str | Path) -> tuple[Any, dict[str, Any]]:
    """(the model saved in `folder`, in evaluation mode, its statistics as an image processor has them)."""
    path = Path(folder).resolve()
    if not (path / WEIGHTS_NAME).is_file():
        raise InvalidModelError(
            f"{folder} has no {WEIGHTS_NAME} (pickled weights are not read)", "save it as safetensors"
        )
    import timm
    from safetensors import SafetensorError

    try:
        model: Any = timm.create_model(f"local-dir:{path}", pretrained=True).eval()
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, AssertionError, SafetensorError) as error:
        raise InvalidModelError(
            f"{folder} cannot be loaded by timm ({type(error).__name__})", "save it again"
        ) from error
    spec = open_folder(folder).input
    if spec.keyed:
        setattr(model, SPEC_ATTRIBUTE, spec)
    return model, {f"image_{name}": model.pretrained_cfg[name] for name in ("mean", "std")}


def save_timm(model: Any, processor: Any, folder: Path) -> None:
    """Write an encrypted model, which loads with timm.create_model("local-dir:...").

    pretrained_cfg says mean 0 and std 1/255, so that timm's own transforms hand over raw values, and config.json
    cipher, block and fingerprint under "veilseg".
    """
    from timm.models import save_for_hf

    save_for_hf(model, str(folder), model_config={CONFIG_KEY: input_spec(model).to_dict()}, safe_serialization=True)
