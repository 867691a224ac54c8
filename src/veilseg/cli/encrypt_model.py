"""`veilseg encrypt-model`: encrypt a model with a key."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg import catalog
from veilseg.catalog import DEFAULT_MODEL_CIPHER
from veilseg.cli.common import Force, KeyFile, load_key
from veilseg.cli.messages import note
from veilseg.errors import UsageError
from veilseg.inputspec import check_model_cipher
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME, STEM_NAME, WEIGHTS_NAME
from veilseg.modelfolder import ModelFolder, find_folder, open_folder

if TYPE_CHECKING:
    from veilseg.models import SegmentationModel
    from veilseg.models.encryption.trial import Proof

Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the new model.")]
Stem = Annotated[
    str | None,
    typer.Option("--stem", metavar="PATH", help="The layer that reads the image, where several might, as in a.b.proj."),
]
WithOnnx = Annotated[bool, typer.Option("--onnx", help="Write model.onnx too, for `veilseg segment` without torch.")]


def command(
    model: Annotated[str, typer.Argument(help="A model for plain images: a folder, a Hub id, or plain.")],
    output: Output,
    key: KeyFile = None,
    cipher: Annotated[str, typer.Option(metavar="NAME", help=f"{catalog.names('model key')}.")] = DEFAULT_MODEL_CIPHER,
    block: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of the cipher's block. Default: the model's.")
    ] = None,
    stem: Stem = None,
    onnx: WithOnnx = False,
    force: Force = False,
) -> None:
    """Encrypt a model, so that it works on images encrypted with the same key and on no others.

    Nothing is trained: the first layer is multiplied by the key's matrix, in a copy. The accuracy is that of the model
    for plain images. The model may be veilseg's own, one of Hugging Face transformers, or one of timm; the new folder
    loads with the same library, and its config.json holds the key's public fingerprint. Without torch, veilseg's
    exported models are encrypted (model.onnx with stem.bin, like the shipped `plain`).

    This keeps people without the key from using the model, as long as they have neither pairs nor encrypted images and
    the plain weights were never published: from published weights the key follows in a second. It does not hide
    photographs from the server (docs/threat-model.md).

    Examples:
      veilseg encrypt-model runs/plain --key my.key -o encrypted
      veilseg encrypt-model ./eomt-base --key my.key -o eomt-encrypted
    """
    secret = load_key(key)
    if secret is None:
        raise UsageError("a key is needed", "veilseg keygen -o my.key, then pass --key my.key")
    check_model_cipher(cipher)
    found = open_folder(find_folder(model))
    found.input.check_encryptable()
    refuse_stem(found, stem)
    if found.library != "veilseg":
        if block is not None:
            raise UsageError(f"the block of a {found.library} model is its stem's", "leave --block out")
        refuse_onnx(found, onnx=onnx)
        from veilseg.models.encryption.foreign import encrypt_folder

        spec, proof = encrypt_folder(found, secret, output, cipher, stem=stem, overwrite=force)
        note(f"checked by loading it again: {proof}")
    elif exported_only(found.path):
        from veilseg.models.encryption.onnx_stem import encrypt_onnx

        config, run = encrypt_onnx(found.path, secret, output, cipher=cipher, block=block, overwrite=force)
        note_run(run)
        spec = config.input
    else:
        refuse_model(output, onnx=onnx, force=force)
        from veilseg.models import encrypt_model, load_model, verify_encryption

        plain = load_model(found.path)
        encrypted = encrypt_model(plain, secret, cipher, block, verify=False)
        with saved(encrypted) as again:
            proof = verify_encryption(plain, again, secret)
        write_model(encrypted, output, onnx=onnx, force=force)
        note(f"checked by loading it again: {proof}")
        spec = encrypted.config.input
    note(f"{output}: takes {spec.name} images, block {spec.block}, of key {spec.key_fingerprint}")


def exported_only(folder: Path) -> bool:
    """Whether the exported model in `folder` (model.onnx) is what can be worked on here: no torch, or no other form."""
    from importlib.util import find_spec

    torch_form = (folder / WEIGHTS_NAME).is_file() and find_spec("torch") is not None
    return (folder / ONNX_NAME).is_file() and not torch_form


def note_run(proof: Proof | None) -> None:
    """Report how an exported model was checked."""
    note("not checked: that needs ONNX Runtime" if proof is None else f"checked by running it: {proof}")


def refuse_stem(found: ModelFolder, stem: str | None) -> None:
    """Refuse --stem for veilseg's own models, which have one only."""
    if stem is not None and found.library == "veilseg":
        raise UsageError("veilseg's own models have one layer for images", "leave --stem out")


def refuse_onnx(found: ModelFolder, *, onnx: bool) -> None:
    """Refuse --onnx for models of other libraries."""
    if onnx:
        raise UsageError(f"a {found.library} model is saved for {found.library} alone", "leave --onnx out")


def refuse_model(output: Path, *, onnx: bool, force: bool) -> None:
    """Refuse, before any work, to replace a model without --force."""
    from veilseg.files import refuse_existing

    for name in (CONFIG_NAME, WEIGHTS_NAME, *([ONNX_NAME] if onnx else [])):
        refuse_existing(output / name, overwrite=force)


@contextlib.contextmanager
def saved(model: SegmentationModel) -> Iterator[SegmentationModel]:
    """`model` as it is read from the files that it is saved as, in a folder that goes when the block ends."""
    from veilseg.models import load_model, save_model

    with tempfile.TemporaryDirectory(prefix="veilseg-") as folder:
        save_model(model, folder)
        yield load_model(folder)


def write_model(model: SegmentationModel, output: Path, *, onnx: bool, force: bool) -> None:
    """Save `model` into the folder `output`, and export it there when `onnx` is asked for."""
    from veilseg.models import export_onnx, save_model

    save_model(model, output, overwrite=force)
    if onnx:
        export_onnx(model, output, overwrite=True)  # config.json is there since a moment ago, and is the same
    else:
        # An older export in the same folder would be another model under the new config.
        (output / ONNX_NAME).unlink(missing_ok=True)
        (output / STEM_NAME).unlink(missing_ok=True)
