"""Models of Hugging Face transformers as folders: loaded, encrypted, given a new key, and saved for that library."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.modelfolder import open_folder
from veilseg.models.encryption.encrypt import encrypt_model, input_spec, rekey_model
from veilseg.models.encryption.foreign import fill_folder
from veilseg.models.encryption.processor import load_processor, without_statistics

if TYPE_CHECKING:
    from veilseg.keys import Key

_NO_PROCESSOR = "save its image processor there too: processor.save_pretrained(folder)"


def load_transformers(folder: str | Path) -> tuple[nn.Module, Any | None]:
    """(the model in evaluation mode and in its own precision, its image processor or None) saved in `folder`.

    Only safetensors are read, no code of the folder runs and nothing is fetched. Raises InvalidModelError where the
    class is unknown, or weights are missing: transformers would make them up.
    """
    import transformers

    path = Path(folder)
    with _quiet():
        try:
            # Not None, which asks on the terminal whether the folder's Python may run.
            config = transformers.AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
            kind = getattr(transformers, (config.architectures or [""])[0], None)
            if not isinstance(kind, type) or not issubclass(kind, transformers.PreTrainedModel):
                raise InvalidModelError(f"{path} names no model class that transformers {transformers.__version__} has")
            options: dict[str, Any] = {"dtype": "auto", "use_safetensors": True, "local_files_only": True}
            load: Any = kind.from_pretrained  # type: ignore[attr-defined]
            model, report = load(path, output_loading_info=True, **options)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise InvalidModelError(
                f"{path} cannot be loaded by transformers ({type(error).__name__})",
                "it needs config.json and model.safetensors (pickled weights are not read): save it with "
                "model.save_pretrained(folder)",
            ) from error
        learned = {name for name, _ in model.named_parameters()}  # buffers are computed, not learned
        if lacking := sorted(learned.intersection(report["missing_keys"])):
            raise InvalidModelError(
                f"{path} lacks {len(lacking)} weights: {', '.join(lacking[:3])}", "save the model again"
            )
        return model.eval(), load_processor(path)


def encrypt_transformers(
    folder: str | Path, key: Key, out: str | Path, cipher: str = "patch-permutation", *, overwrite: bool = False
) -> InputSpec:
    """Write the model saved in `folder`, encrypted with `key`, to `out`, and return what kind of image it takes.

    `out` loads with the model's own class and `from_pretrained`: config.json says cipher, block and the key's
    fingerprint under "veilseg"; the statistics of the image processor are folded, and preprocessor_config.json neither
    rescales nor normalizes any more (see `client_images`). Raises InvalidModelError as encrypt_model does, where there
    is no image processor, or where `out` holds files already and `overwrite` is false.
    """
    open_folder(folder).input.check_encryptable()
    model, processor = load_transformers(folder)
    if processor is None:
        raise InvalidModelError(f"{folder} does not say how images are normalized", _NO_PROCESSOR)
    encrypted = encrypt_model(model, key, cipher, processor=processor)
    _save(encrypted, without_statistics(processor), Path(out), overwrite)
    return input_spec(encrypted)


def rekey_transformers(
    folder: str | Path, old: Key, new: Key, out: str | Path, *, overwrite: bool = False
) -> InputSpec:
    """Write the model in `folder`, which belongs to the key `old`, to `out` with the key `new`; see rekey_model."""
    open_folder(folder).input.check_old_key(old.fingerprint)
    model, processor = load_transformers(folder)
    encrypted = rekey_model(model, old, new)
    _save(encrypted, processor, Path(out), overwrite)
    return input_spec(encrypted)


def _save(model: Any, processor: Any | None, out: Path, overwrite: bool) -> None:
    with fill_folder(out, overwrite=overwrite) as scratch, _quiet():
        model.save_pretrained(scratch)
        if processor is not None:
            processor.save_pretrained(scratch)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bars and notes to itself; errors are ours to report."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
