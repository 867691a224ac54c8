"""Models of Hugging Face transformers as folders: loaded, and saved for that library when they are encrypted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.models.encryption.processor import load_processor, without_statistics


def load_transformers(folder: str | Path) -> tuple[nn.Module, Any | None]:
    """(the model in evaluation mode and in its own precision, its image processor or None) saved in `folder`.

    Only safetensors are read, no code of the folder runs and nothing is fetched. Raises InvalidModelError where the
    class is unknown, or weights are missing: transformers would make them up.
    """
    import transformers
    from safetensors import SafetensorError

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
        except SafetensorError as error:
            raise InvalidModelError(f"a file of weights in {path} is damaged or cut off", "copy it again") from error
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


def save_transformers(model: Any, processor: Any | None, folder: Path) -> None:
    """Write an encrypted model, which loads with its own class and `from_pretrained`.

    config.json says cipher, block and the key's fingerprint under "veilseg", and preprocessor_config.json neither
    rescales nor normalizes any more (see `client_images`).
    """
    with _quiet():
        model.save_pretrained(folder)
        if processor is not None:
            without_statistics(processor).save_pretrained(folder)


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
