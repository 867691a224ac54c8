"""What is done to every image: the contents of a task's inputs in, bytes for each of its outputs out.

An operation says where keys and models are. A portable one may be sent to other machines, and holds no key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from veilseg.batch.beside import answer_files, blended_files, given_image, photograph_of
from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.cells import describe_cells
from veilseg.ciphers import Cipher, EncryptedImage
from veilseg.container import HEAD, is_encrypted
from veilseg.errors import InvalidKeyError, InvalidModelError, VeilsegError
from veilseg.images import open_image, to_png
from veilseg.keys import Key
from veilseg.scale import ORIGINAL, Resize, enlarge_labels, reduce_photograph, working_size

if TYPE_CHECKING:
    from veilseg.client import Client


@dataclass(frozen=True)
class Files:
    """What became of one task's inputs: the contents of its outputs, and a remark on them for whoever did only one."""

    contents: tuple[bytes, ...]
    remark: str | None = None


#: What an operation is when it is opened, which raises VeilsegError when its key, model or service are missing.
Work = Callable[..., Files]


@dataclass(frozen=True)
class Encrypt:
    """Photographs in, encrypted images out.

    longer_side: the working size, in pixels; processor: the folder of another library's model, whose image processor
    resizes instead; fingerprint: of the one key that is meant, None for any.
    """

    cipher: Cipher
    key_file: Path | None = None
    longer_side: int = DEFAULT_LONGER_SIDE
    processor: Path | None = None
    fingerprint: str | None = None
    doing = "encrypting"
    cores = 1

    def open(self) -> Work:
        key = None if self.key_file is None else Key.load(self.key_file)
        if key is not None and self.fingerprint not in (None, key.fingerprint):
            hint = f"the key {self.fingerprint} is meant, and here it is {key.fingerprint}"
            raise InvalidKeyError("the key file holds another key on this machine", hint)
        resize = self._resize()

        def work(data: bytes | np.ndarray) -> Files:
            photograph = open_image(data) if isinstance(data, bytes) else data
            encrypted = self.cipher.encrypt(resize(photograph), key, longer_side=ORIGINAL)
            height, width = encrypted.header.height, encrypted.header.width
            remark = describe_cells(encrypted.header.spec, height, width, max(photograph.shape[:2]))
            return Files((encrypted.to_bytes(),), remark)

        return work

    def _resize(self) -> Resize:
        if self.processor is None:
            return partial(reduce_photograph, longer_side=self.longer_side)
        from veilseg.models.encryption.processor import client_image, load_processor

        if (loaded := load_processor(self.processor)) is None:
            raise InvalidModelError(f"{self.processor} holds no image processor", "choose a size: --longer-side")
        return partial(client_image, loaded)

    @staticmethod
    def check_existing(outputs: Iterable[str]) -> None:
        """What exists is skipped as done: raises VeilsegError for a file of this machine that is no encrypted image."""
        for output in outputs:
            path = Path(output)
            if path.is_file():
                with path.open("rb") as file:
                    if not is_encrypted(file.read(HEAD)):
                        hint = "pass --force to replace it, or choose another name"
                        raise VeilsegError(f"{output} exists and is no encrypted image", hint)

    def elsewhere(self) -> Encrypt:
        """Every machine reads the key from its own file of that name, and refuses another key."""
        processor = None if self.processor is None else self.processor.absolute()
        if self.key_file is None:
            return dataclasses.replace(self, processor=processor)
        fingerprint = Key.load(self.key_file).fingerprint
        return dataclasses.replace(
            self, key_file=self.key_file.absolute(), processor=processor, fingerprint=fingerprint
        )


@dataclass(frozen=True)
class Decrypt:
    """Encrypted images in, photographs as PNG out."""

    key_file: Path | None = None
    doing = "decrypting"

    def open(self) -> Work:
        key = None if self.key_file is None else Key.load(self.key_file)
        return lambda data: Files((to_png(EncryptedImage.from_bytes(data).decrypt(key)),))


@dataclass(frozen=True)
class Segment:
    """Encrypted images in, label maps as palette PNGs out, at the size of the photograph where that is given too.

    model, window, threads, longer_side: those of Segmenter; cityscapes_ids: grey PNGs of Cityscapes' label ids instead;
    overlay: also photograph and map blended; answers: then these of veilseg.runtime.answers.FORMS.
    """

    model: str = "default"
    window: int | None = None
    threads: int | None = None
    longer_side: int | None = None
    cityscapes_ids: bool = False
    overlay: bool = False
    answers: tuple[str, ...] = ()
    doing = "segmenting"

    def open(self) -> Work:
        from veilseg.data.cityscapes import label_ids
        from veilseg.runtime import Segmenter, encode_label_png
        from veilseg.runtime.answers import shares

        segmenter = Segmenter(self.model, window=self.window, threads=self.threads, longer_side=self.longer_side)

        def work(data: bytes, photo: bytes | None = None) -> Files:
            image = given_image(data)
            seen = photograph_of(image, photo, segmenter.to_working_size, needed=self.overlay)
            labels = segmenter.segment(image, size=None if seen is None else seen.shape[:2])
            if self.cityscapes_ids:
                file = to_png(label_ids(labels, segmenter.classes))
            else:
                file = encode_label_png(labels, segmenter.palette)
            blended = blended_files(seen if self.overlay else None, labels, segmenter.palette)
            said = answer_files(self.answers, labels, segmenter.classes, segmenter.palette)
            return Files((file, *blended, *said), shares(labels, segmenter.classes))

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
    """Photographs, encrypted images or frames of a video in, label maps out; they are sent encrypted.

    overlay, answers: as for Segment.
    """

    client: Client = field(repr=False)
    overlay: bool = False
    answers: tuple[str, ...] = ()
    doing = "segmenting"

    def open(self) -> Work:
        from veilseg.runtime.answers import shares
        from veilseg.runtime.labels import encode_label_png

        palette, classes = self.client.model.palette, self.client.model.classes

        def work(data: bytes | np.ndarray, photo: bytes | None = None) -> Files:
            image = given_image(data)
            seen = photograph_of(image, photo, None, needed=self.overlay)
            labels = self.client.segment(image)
            if seen is not None:
                labels = enlarge_labels(labels, *seen.shape[:2])
            maps = (encode_label_png(labels, palette), *blended_files(seen if self.overlay else None, labels, palette))
            said = answer_files(self.answers, labels, classes, palette)
            remarks = (self._remark(image), shares(labels, classes))
            return Files((*maps, *said), "\n".join(filter(None, remarks)))

        return work

    def _remark(self, image: EncryptedImage | np.ndarray) -> str | None:
        """What was sent, counted in cells."""
        encryption = self.client.model.input.encryption
        if encryption is None or isinstance(image, EncryptedImage):
            return None
        height, width = image.shape[:2]
        sent = working_size(height, width, self.client.longer_side)
        return describe_cells(encryption, *sent, max(height, width))


Operation = Encrypt | Decrypt | Segment | SegmentByService
#: Those that other machines can do; `cores`: what one process needs.
Portable = Encrypt | Segment
