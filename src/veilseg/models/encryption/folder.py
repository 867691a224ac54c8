"""A folder for a new model: all or nothing, and no plain weights beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from veilseg.errors import InvalidModelError, VeilsegError
from veilseg.modelconfig import CONFIG_NAME

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".h5", ".msgpack", ".index.json")


def check_target(out: Path, overwrite: bool) -> None:
    """Raise InvalidModelError, before the work, when `out` holds files and `overwrite` is false."""
    if out.exists() and not out.is_dir():
        raise InvalidModelError(f"{out} is a file", "choose a new folder")
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise InvalidModelError(
            f"{out} exists already and is not empty", "choose another, or replace the model (overwrite=True, --force)"
        )


@contextlib.contextmanager
def fill_folder(out: Path) -> Iterator[Path]:
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
