"""What is done to every image: the contents of a task's inputs in, bytes for each of its outputs out.

An operation says where keys and models are. A portable one may be sent to other machines, and holds no key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veilseg.ciphers import Cipher, EncryptedImage
from veilseg.container import KEYWORD
from veilseg.errors import InvalidImageError, InvalidKeyError, VeilsegError
from veilseg.images import open_image, to_png
from veilseg.keys import Key

if TYPE_CHECKING:
    from veilseg.client import Client

#: What an operation is when it is opened, which raises VeilsegError when its key, model or service are missing.
Work = Callable[..., tuple[bytes, ...]]
_HEAD = 4096  # bytes of a file in which our header begins


@dataclass(frozen=True)
class Encrypt:
    """Photographs in, encrypted images out. fingerprint: of the one key that is meant, None for any."""

    cipher: Cipher
    key_file: Path | None = None
    fingerprint: str | None = None
    doing = "encrypting"
    cores = 1

    def open(self) -> Work:
        key = None if self.key_file is None else Key.load(self.key_file)
        if key is not None and self.fingerprint not in (None, key.fingerprint):
            hint = f"the key {self.fingerprint} is meant, and here it is {key.fingerprint}"
            raise InvalidKeyError("the key file holds another key on this machine", hint)
        return lambda data: (self.cipher.encrypt(open_image(data), key).to_bytes(),)

    @staticmethod
    def check_existing(outputs: Iterable[str]) -> None:
        """What exists is skipped as done: raises VeilsegError for a file of this machine that is no encrypted image."""
        for output in outputs:
            path = Path(output)
            if path.is_file():
                with path.open("rb") as file:
                    if not _is_encrypted(file.read(_HEAD)):
                        hint = "pass --force to replace it, or choose another name"
                        raise VeilsegError(f"{output} exists and is no encrypted image", hint)

    def elsewhere(self) -> Encrypt:
        """Every machine reads the key from its own file of that name, and refuses another key."""
        if self.key_file is None:
            return self
        fingerprint = Key.load(self.key_file).fingerprint
        return dataclasses.replace(self, key_file=self.key_file.absolute(), fingerprint=fingerprint)


@dataclass(frozen=True)
class Decrypt:
    """Encrypted images in, photographs as PNG out."""

    key_file: Path | None = None
    doing = "decrypting"

    def open(self) -> Work:
        key = None if self.key_file is None else Key.load(self.key_file)
        return lambda data: (to_png(EncryptedImage.from_bytes(data).decrypt(key)),)


@dataclass(frozen=True)
class Segment:
    """Encrypted images in, label maps as palette PNGs out; with a photograph more, also the two blended.

    model, window, threads: those of Segmenter; cityscapes_ids: grey PNGs of Cityscapes' label ids instead.
    """

    model: str = "default"
    window: int | None = None
    threads: int | None = None
    cityscapes_ids: bool = False
    doing = "segmenting"

    def open(self) -> Work:
        from veilseg.data.cityscapes import label_ids
        from veilseg.runtime import Segmenter, encode_label_png, overlay

        segmenter = Segmenter(self.model, window=self.window, threads=self.threads)

        def work(data: bytes, photo: bytes | None = None) -> tuple[bytes, ...]:
            seen = None if photo is None else _photograph(photo)
            labels = segmenter.segment(data)
            if self.cityscapes_ids:
                file = to_png(label_ids(labels, segmenter.classes))
            else:
                file = encode_label_png(labels, segmenter.palette)
            return (file,) if seen is None else (file, to_png(overlay(seen, labels, segmenter.palette)))

        return work

    @property
    def cores(self) -> int:
        return self.threads or 1

    def elsewhere(self) -> Segment:
        """A folder by its whole name, and one thread unless more are asked for."""
        model = str(Path(self.model).absolute()) if Path(self.model).is_dir() else self.model
        return dataclasses.replace(self, model=model, threads=self.cores)


@dataclass(frozen=True)
class SegmentByService:
    """Photographs, encrypted images or frames of a video in, label maps out; they are sent encrypted."""

    client: Client = field(repr=False)
    doing = "segmenting"

    def open(self) -> Work:
        from veilseg.runtime.labels import encode_label_png

        palette = self.client.model.palette
        return lambda image: (encode_label_png(self.client.segment(_image(image)), palette),)


Operation = Encrypt | Decrypt | Segment | SegmentByService
#: Those that other machines can do; `cores`: what one process needs.
Portable = Encrypt | Segment


def _image(given: bytes | np.ndarray) -> Any:
    """A file's image: encrypted where it has our header, else a photograph, uint8 [H, W, 3]; arrays as they are."""
    if not isinstance(given, bytes):
        return given
    # A damaged encrypted image must not pass as a photograph.
    return EncryptedImage.from_bytes(given) if _is_encrypted(given[:_HEAD]) else open_image(given)


def _is_encrypted(head: bytes) -> bool:
    """Whether a file that begins with `head` has our header, whatever else may be wrong with it."""
    return KEYWORD.encode() + b"\0" in head


def _photograph(data: bytes) -> np.ndarray:
    """The photograph for an overlay, uint8 [H, W, 3]. Raises InvalidImageError, which names it."""
    try:
        return open_image(data)
    except InvalidImageError as error:
        raise InvalidImageError(f"the photograph for its overlay: {error.message}", error.hint) from error
