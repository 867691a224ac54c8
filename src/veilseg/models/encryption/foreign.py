"""Folders of other libraries' models: encrypted or given a new key, all or nothing, and no plain weights beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.modelfolder import ModelFolder
from veilseg.models.encryption.encrypt import encrypt_model, rekey_model
from veilseg.models.encryption.folder import check_target, fill_folder
from veilseg.models.encryption.hf import load_transformers, save_transformers
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.timm_folder import load_timm, save_timm
from veilseg.models.encryption.trial import Proof
from veilseg.models.encryption.verify import verify_encryption, verify_rekeying

#: How the folders of a library are read and written.
_LIBRARIES: dict[str, tuple[Callable[[Path], tuple[nn.Module, Any]], Callable[[Any, Any, Path], None]]] = {
    "transformers": (load_transformers, save_transformers),
    "timm": (load_timm, save_timm),
}


Change = Callable[[nn.Module, Any], nn.Module]
Check = Callable[[nn.Module, nn.Module, Any], Proof]


def encrypt_folder(
    found: ModelFolder, key: Key, out: Path, cipher: str, *, stem: str | None = None, overwrite: bool = False
) -> tuple[InputSpec, Proof]:
    """Write the model of `found`, encrypted with `key`, to `out`: what kind of image it takes, and the proof.

    The folder loads with the library that the model came from: what was saved is loaded again, and compared with the
    plain network. Raises InvalidModelError as encrypt_model does, where nothing says how images are normalized, where
    the folder does not answer as the plain one, or where `out` holds files already and `overwrite` is false.
    """

    def change(model: nn.Module, processor: Any) -> nn.Module:
        if processor is None:
            hint = "save its image processor there too: processor.save_pretrained(folder)"
            raise InvalidModelError(f"{found.path} does not say how images are normalized", hint)
        return encrypt_model(model, key, cipher, processor=processor, stem=stem, verify=False)

    def check(model: nn.Module, saved: nn.Module, processor: Any) -> Proof:
        return verify_encryption(model, saved, key, processor=processor, stem=stem)

    found.input.check_encryptable()
    return _rewrite(found, out, change, check, overwrite)


def rekey_folder(
    found: ModelFolder, old: Key, new: Key, out: Path, *, stem: str | None = None, overwrite: bool = False
) -> tuple[InputSpec, Proof]:
    """Write the model of `found`, which belongs to the key `old`, to `out` with the key `new`; see rekey_model."""

    def change(model: nn.Module, _: Any) -> nn.Module:
        return rekey_model(model, old, new, stem=stem, verify=False)

    def check(model: nn.Module, saved: nn.Module, _: Any) -> Proof:
        return verify_rekeying(model, saved, old, new, stem=stem)

    return _rewrite(found, out, change, check, overwrite)


def _rewrite(found: ModelFolder, out: Path, change: Change, check: Check, overwrite: bool) -> tuple[InputSpec, Proof]:
    check_target(out, overwrite)
    load, save = _LIBRARIES[found.library]
    model, processor = load(found.path)
    changed = change(model, processor)
    with fill_folder(out) as scratch:
        save(changed, processor, scratch)
        try:
            saved, _ = load(scratch)
        except InvalidModelError as error:
            raise InvalidModelError(
                f"what was saved does not load with {found.library} again, so {out} was not written"
            ) from error
        proof = check(model, saved, processor)
    return input_spec(saved), proof
