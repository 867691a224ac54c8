"""Folders of other libraries' models: encrypted or given a new key, all or nothing, and no plain weights beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import nn

from veilseg.errors import InvalidModelError, VeilsegError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.modelconfig import CONFIG_NAME
from veilseg.modelfolder import ModelFolder
from veilseg.models.encryption.encrypt import encrypt_model, input_spec, rekey_model
from veilseg.models.encryption.hf import load_transformers, save_transformers
from veilseg.models.encryption.timm_folder import load_timm, save_timm

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".h5", ".msgpack", ".index.json")
#: How the folders of a library are read and written.
_LIBRARIES: dict[str, tuple[Callable[[Path], tuple[nn.Module, Any]], Callable[[Any, Any, Path], None]]] = {
    "transformers": (load_transformers, save_transformers),
    "timm": (load_timm, save_timm),
}


def encrypt_folder(found: ModelFolder, key: Key, out: Path, cipher: str, *, overwrite: bool = False) -> InputSpec:
    """Write the model of `found`, encrypted with `key`, to `out`, and return what kind of image it takes.

    The folder loads with the library that the model came from. Raises InvalidModelError as encrypt_model does, where
    nothing says how images are normalized, or where `out` holds files already and `overwrite` is false.
    """

    def change(model: nn.Module, processor: Any) -> nn.Module:
        if processor is None:
            hint = "save its image processor there too: processor.save_pretrained(folder)"
            raise InvalidModelError(f"{found.path} does not say how images are normalized", hint)
        return encrypt_model(model, key, cipher, processor=processor)

    found.input.check_encryptable()
    return _rewrite(found, out, change, overwrite)


def rekey_folder(found: ModelFolder, old: Key, new: Key, out: Path, *, overwrite: bool = False) -> InputSpec:
    """Write the model of `found`, which belongs to the key `old`, to `out` with the key `new`; see rekey_model."""
    found.input.check_old_key(old.fingerprint)
    return _rewrite(found, out, lambda model, _: rekey_model(model, old, new), overwrite)


def _rewrite(
    found: ModelFolder, out: Path, change: Callable[[nn.Module, Any], nn.Module], overwrite: bool
) -> InputSpec:
    _check_target(out, overwrite)
    load, save = _LIBRARIES[found.library]
    model, processor = load(found.path)
    changed = change(model, processor)
    with _fill_folder(out) as scratch:
        save(changed, processor, scratch)
    return input_spec(changed)


def _check_target(out: Path, overwrite: bool) -> None:
    """Raise InvalidModelError, before the work, when `out` holds files and `overwrite` is false."""
    if out.exists() and not out.is_dir():
        raise InvalidModelError(f"{out} is a file", "choose a new folder")
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise InvalidModelError(
            f"{out} exists already and is not empty", "choose another, or replace the model (overwrite=True, --force)"
        )


@contextlib.contextmanager
def _fill_folder(out: Path) -> Iterator[Path]:
    """A scratch folder beside `out` to save a model into; when the block ends well, its files move to `out`.

    The config moves last. Weights of an earlier model in `out` that the new one does not replace would be another
    model's, perhaps this one's in plain: InvalidModelError, and nothing has moved.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{out.name[:20]}.", suffix=".part", dir=out.parent))
    except OSError as error:
        raise VeilsegError(f"cannot write beside {out}: {error.strerror or error}") from error
    try:
        yield scratch
        made = sorted(scratch.iterdir(), key=lambda path: path.name == CONFIG_NAME)
        names = {path.name for path in made}
        if out.is_dir():
            stale = [path.name for path in out.iterdir() if path.name.endswith(_WEIGHTS) and path.name not in names]
            if stale:
                raise InvalidModelError(
                    f"{out} holds other weights ({', '.join(sorted(stale)[:3])})", "choose a new folder"
                )
        out.mkdir(exist_ok=True)
        for path in made:
            path.replace(out / path.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
