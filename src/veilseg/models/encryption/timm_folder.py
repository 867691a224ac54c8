"""Models of timm as folders (the layout that timm saves for the Hub): encrypted, given a new key, and saved again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veilseg.errors import InvalidModelError
from veilseg.inputspec import CONFIG_KEY, InputSpec
from veilseg.modelfolder import open_folder
from veilseg.models.encryption.encrypt import SPEC_ATTRIBUTE, encrypt_model, input_spec, rekey_model
from veilseg.models.encryption.foreign import fill_folder
from veilseg.models.encryption.stems import find_patchify

if TYPE_CHECKING:
    from veilseg.keys import Key

WEIGHTS_NAME = "model.safetensors"


def encrypt_timm(
    folder: str | Path, key: Key, out: str | Path, cipher: str = "patch-permutation", *, overwrite: bool = False
) -> InputSpec:
    """Write the timm model saved in `folder`, encrypted with `key`, to `out`, and return what kind of image it takes.

    `out` loads with timm.create_model("local-dir:..."). Its statistics are folded: pretrained_cfg says mean 0 and std
    1/255 from now on, so that timm's own transforms hand over raw values. config.json says cipher, block and
    fingerprint under "veilseg". Raises InvalidModelError as encrypt_model does.
    """
    open_folder(folder).input.check_encryptable()
    model = _load(folder)
    statistics = model.pretrained_cfg
    encrypted = encrypt_model(model, key, cipher, mean=statistics["mean"], std=statistics["std"])
    raw = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}
    encrypted.pretrained_cfg = {**copy.deepcopy(statistics), **raw}
    _save(encrypted, Path(out), overwrite)
    return input_spec(encrypted)


def rekey_timm(folder: str | Path, old: Key, new: Key, out: str | Path, *, overwrite: bool = False) -> InputSpec:
    """Write the model in `folder`, which belongs to the key `old`, to `out` with the key `new`; see rekey_model."""
    spec = open_folder(folder).input
    spec.check_old_key(old.fingerprint)
    model = _load(folder)
    setattr(find_patchify(model), SPEC_ATTRIBUTE, spec)
    encrypted = rekey_model(model, old, new)
    _save(encrypted, Path(out), overwrite)
    return input_spec(encrypted)


def _load(folder: str | Path) -> Any:
    import timm

    path = Path(folder).resolve()
    if not (path / WEIGHTS_NAME).is_file():
        raise InvalidModelError(
            f"{folder} has no {WEIGHTS_NAME} (pickled weights are not read)", "save it as safetensors"
        )
    try:
        return timm.create_model(f"local-dir:{path}", pretrained=True).eval()
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise InvalidModelError(
            f"{folder} cannot be loaded by timm ({type(error).__name__})", "save it again"
        ) from error


def _save(model: Any, out: Path, overwrite: bool) -> None:
    from timm.models import save_for_hf

    with fill_folder(out, overwrite=overwrite) as scratch:
        save_for_hf(
            model, str(scratch), model_config={CONFIG_KEY: input_spec(model).to_dict()}, safe_serialization=True
        )
