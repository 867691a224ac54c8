"""`veilseg encrypt-model`: lock a model with a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force, KeyFile, load_key
from veilseg.cli.messages import note
from veilseg.errors import UsageError

Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the new model.")]
WithOnnx = Annotated[bool, typer.Option("--onnx", help="Write model.onnx too, for `veilseg segment` without torch.")]


def command(
    model: Annotated[str, typer.Argument(help="A model for plain images: a folder, a Hub id, or plain.")],
    output: Output,
    key: KeyFile = None,
    cipher: Annotated[
        str, typer.Option(metavar="NAME", help="patch-permutation, or patch-rotation (16-bit images).")
    ] = "patch-permutation",
    block: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of the cipher's block. Default: the model's.")
    ] = None,
    onnx: WithOnnx = False,
    force: Force = False,
) -> None:
    """Encrypt a model, so that it works on images encrypted with the same key and on no others.

    Nothing is trained: the first layer is multiplied by the key's matrix, in a copy. The accuracy is that of the model
    for plain images. The folder holds config.json with the key's public fingerprint, and model.safetensors.

    This keeps people without the key from using the model, as long as they have neither pairs nor encrypted images and
    the plain weights were never published: from published weights the key follows in a second. It does not hide
    photographs from the server (docs/threat-model.md).

    Example:
      veilseg encrypt-model runs/plain --key my.key -o locked
    """
    from veilseg.models import encrypt_model, load_model

    secret = load_key(key)
    if secret is None:
        raise UsageError("a key is needed", "veilseg keygen -o my.key, then pass --key my.key")
    refuse_model(output, onnx=onnx, force=force)
    locked = encrypt_model(load_model(model), secret, cipher, block)
    write_model(locked, output, onnx=onnx, force=force)
    spec = locked.config.input
    note(f"{output}: takes {spec.cipher} images, block {spec.block}, of key {spec.key_fingerprint}")


def refuse_model(output: Path, *, onnx: bool, force: bool) -> None:
    """Refuse, before any work, to replace a model without --force."""
    from veilseg.files import refuse_existing

    for name in ("config.json", "model.safetensors", *(["model.onnx"] if onnx else [])):
        refuse_existing(output / name, overwrite=force)


def write_model(model: object, output: Path, *, onnx: bool, force: bool) -> None:
    """Save `model` into the folder `output`, and export it there when `onnx` is asked for."""
    from veilseg.models import SegmentationModel, export_onnx, save_model

    assert isinstance(model, SegmentationModel)
    save_model(model, output, overwrite=force)
    if onnx:
        export_onnx(model, output, overwrite=True)  # config.json is there since a moment ago, and is the same
    else:
        # An older export in the same folder would be another model under the new config.
        (output / "model.onnx").unlink(missing_ok=True)
        (output / "stem.bin").unlink(missing_ok=True)
