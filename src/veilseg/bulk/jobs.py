"""What is done to every image: bytes of a file in, bytes of another out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from veilseg.ciphers import Cipher
from veilseg.errors import InvalidKeyError

Work = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Encrypt:
    """Photographs in, encrypted images out. Holds where the key is and which one is meant, never the key itself: it may
    be sent to other processes, and each of them reads the key from its own file system.
    """

    cipher: Cipher
    key_file: str | None = None
    fingerprint: str | None = None

    @property
    def doing(self) -> str:
        return "encrypting"

    def open(self) -> Work:
        """What encrypts one file. Raises InvalidKeyError when the key is missing here or not the one that is meant."""
        from veilseg.images import open_image
        from veilseg.keys import Key

        key = None if self.key_file is None else Key.load(self.key_file)
        if key is not None and key.fingerprint != self.fingerprint:
            hint = f"the key {self.fingerprint} is meant, and here it is {key.fingerprint}"
            raise InvalidKeyError("the key file holds another key on this machine", hint)
        return lambda data: self.cipher.encrypt(open_image(data), key).to_bytes()


@dataclass(frozen=True)
class Segment:
    """Encrypted images in, label maps as palette PNGs out; `model`, `window` and `threads` are those of Segmenter."""

    model: str = "default"
    window: int | None = None
    threads: int | None = None

    @property
    def doing(self) -> str:
        return "segmenting"

    def open(self) -> Work:
        """What segments one file. Raises InvalidModelError when the model is missing or cannot run here."""
        from veilseg.runtime import Segmenter, encode_label_png

        segmenter = Segmenter(self.model, window=self.window, threads=self.threads)
        palette = segmenter.palette
        return lambda data: encode_label_png(segmenter.segment(data), palette)


Job = Encrypt | Segment
