"""What the cloud runs: encrypted image in, label map out. No key, no plain image, no torch for ONNX models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veilseg.ciphers import EncryptedImage, cipher_for
from veilseg.ciphers.plain import as_pixels
from veilseg.container import MAX_BYTES, is_encrypted
from veilseg.errors import InvalidImageError, InvalidModelError, UsageError
from veilseg.files import read_limited
from veilseg.header import Header
from veilseg.images import open_image
from veilseg.runtime.load import load
from veilseg.runtime.padding import Padded
from veilseg.runtime.windows import join, slide_tiles, snap
from veilseg.scale import Resize, enlarge_labels, enlarge_scores, reduce_photograph

if TYPE_CHECKING:
    from PIL import Image

    Input = EncryptedImage | str | Path | bytes | np.ndarray | Image.Image

#: An image of more pixels runs in windows of this side, so that memory does not grow with it: a network's activations
#: take some hundred bytes for every pixel (bench/large.py).
WHOLE_PIXELS = 4_000_000
LARGE_WINDOW = 1024


class Segmenter:
    """A model and all that surrounds it: reading, refusing, the canonical form, windows, cropping.

    `config` is the model's ModelConfig, `name` what it was called, `engine` what runs it, `to_working_size` what brings
    a photograph to the model's working size before it is encrypted.
    """

    def __init__(
        self,
        model: str | Path | Any = "default",
        *,
        engine: str | None = None,
        threads: int | None = None,
        window: tuple[int, int] | int | None = None,
        overlap: float = 1 / 3,
        device: str = "cpu",
        longer_side: int | None = None,
    ) -> None:
        """Load `model`.

        `model`: a shipped name ("default", "plain"), a folder, a Hub id, or a torch model: one of ours, or an encrypted
        one of transformers.

        `engine`: "onnx", "torch" or None (what the folder holds; ONNX first). `threads`: for one image; default one per
        core. `device`: "cpu" or "cuda" (a torch model that is passed in stays where it is). `window`: None runs whole
        images, but those of more than 4 megapixels in windows of 1024; (height, width) or a side in pixels runs sliding
        windows on the block grid (rounded down to it) that share at least the fraction `overlap` with their neighbours.
        `longer_side`: to how many pixels larger photographs are reduced (0: never); None: the model's own working size.

        Raises InvalidModelError when the model is missing or cannot run here, UsageError for options out of range.
        """
        loaded = load(model, engine, threads, device)
        self.name, self.config, self.engine = loaded.name, loaded.config, loaded.engine
        side = self.config.longer_side if longer_side is None else longer_side
        own = loaded.to_working_size if longer_side is None else None
        self.to_working_size: Resize = own or partial(reduce_photograph, longer_side=side)
        self._block = self.config.input.block
        self._step = math.lcm(self.config.size_multiple, self._block)
        encryption = self.config.input.encryption
        self._cipher = None if encryption is None else cipher_for(encryption)
        if window is None:
            self._window = self.engine.fixed_size
        else:
            self._window = snap((window, window) if isinstance(window, int) else window, self._step)
            if self.engine.fixed_size not in (None, self._window):
                raise UsageError("this model only runs at {}x{}".format(*self.engine.fixed_size or ()))
        if not 0 <= overlap < 1:
            raise UsageError(f"the overlap of windows is a fraction from 0 to below 1, not {overlap}")
        self._overlap = overlap

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; a label map holds indices into them."""
        return self.config.classes

    @property
    def palette(self) -> np.ndarray:
        """The colour of every class, uint8 [K, 3]."""
        return np.array(self.config.palette, np.uint8)

    def segment(self, image: Input, *, size: tuple[int, int] | None = None, check: bool = True) -> np.ndarray:
        """The label map of `image`, uint8 [H, W] at its true size, every value a class id.

        `size` (height, width) asks for a larger map, that of the photograph which was reduced before it was encrypted;
        a plain image is reduced here (`to_working_size`), and its map has its own size.

        `image` is an EncryptedImage, the path or bytes of one, or, for a plain model only, a plain image (whatever
        could be encrypted: uint8 [H, W, 3], a PIL image; or the path or bytes of a photograph). Key-invariant models
        see the canonical form, so every key gives the same bits.

        Raises InvalidImageError for what is no image or not for this model. `check=False` runs whatever comes: for the
        protocols of [Kiya 2022] that measure a wrong key and no encryption, nothing else.
        """
        if size is not None and not (len(size) == 2 and min(size) >= 1):
            raise UsageError(f"there is no label map of size {size}", "size is (height, width) in pixels")
        pixels, header = self._read(image)
        if check:
            self.config.input.check(header)
        if header is None:
            size = size or pixels.shape[:2]
            pixels = self.to_working_size(pixels)
        height, width = pixels.shape[:2] if header is None else (header.height, header.width)
        size = size or (height, width)
        window = self._window_for(pixels)
        if window is None:
            logits = self.logits(pixels)[:, :height, :width]
            return _argmax(logits) if size == (height, width) else enlarge_scores(logits, *size)
        labels = np.empty((height, width), np.uint8)
        for top, left, tile in self._tiles(pixels, window):  # the logits of a large image would take more than all else
            part = labels[top : top + tile.shape[1], left : left + tile.shape[2]]
            part[:] = _argmax(tile[:, : part.shape[0], : part.shape[1]])
        return enlarge_labels(labels, *size)

    def segment_batch(self, images: Sequence[EncryptedImage]) -> list[np.ndarray]:
        """What `segment` answers for each of `images`, which are stored at one size: the network runs once for all.

        Raises InvalidImageError when one is not for this model, or when their stored sizes differ.
        """
        for image in images:
            self.config.input.check(image.header)
        if len({image.pixels.shape for image in images}) > 1:
            raise InvalidImageError("the images of a batch differ in size", "segment them one by one")
        if len(images) < 2 or self._window_for(images[0].pixels) is not None:
            return [self.segment(image) for image in images]
        height, width = images[0].pixels.shape[:2]
        logits = self._run(np.stack([self._canonical(self._padded(image.pixels)[:, :]) for image in images]))
        logits = logits[:, :, :height, :width]
        sizes = [(image.header.height, image.header.width) for image in images]
        return [_argmax(one[:, :rows, :columns]) for one, (rows, columns) in zip(logits, sizes, strict=True)]

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Logits float32 [K, H, W] of stored pixels uint8 or uint16 [H, W, 3] (of an encrypted image: at padded size).

        Applies the canonical form where the model wants it; sides off the grid are padded and cropped again. No check
        is made that the pixels are for this model. Raises InvalidImageError for arrays that are no image.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16) or not pixels.size:
            raise InvalidImageError(f"expected uint8 pixels [H, W, 3], not {pixels.dtype} {list(pixels.shape)}")
        height, width = pixels.shape[:2]
        window = self._window_for(pixels)
        if window is None:
            return self._run(self._canonical(self._padded(pixels)[:, :])[None])[0, :, :height, :width]
        return join(self._tiles(pixels, window), (height, width))

    def _window_for(self, pixels: np.ndarray) -> tuple[int, int] | None:
        """The window for an image of this size; None: the whole image at once."""
        if self._window is None and pixels.shape[0] * pixels.shape[1] > WHOLE_PIXELS:
            return snap((LARGE_WINDOW, LARGE_WINDOW), self._step)
        return self._window

    def _tiles(self, pixels: np.ndarray, window: tuple[int, int]) -> Iterator[tuple[int, int, np.ndarray]]:
        """(first row, first column, logits float32 [K, h, w]) of stored pixels; together they fill the padded sides."""

        def run(part: np.ndarray) -> np.ndarray:
            logits: np.ndarray = self._run(self._canonical(part)[None])[0]
            return logits

        return slide_tiles(self._padded(pixels), run, window, self._step, self._overlap)

    def _padded(self, pixels: np.ndarray) -> Padded:
        """Stored pixels [H, W, 3] with sides on the network's grid."""
        return Padded(pixels, self._step, self._block, self.engine.fixed_size or (1, 1))

    def _canonical(self, pixels: np.ndarray) -> np.ndarray:
        """Whole blocks of stored pixels as the network reads them: in the reduced form where there is one."""
        return pixels if self._cipher is None else self._cipher.reduce(pixels)

    def _run(self, pixels: np.ndarray) -> np.ndarray:
        """Logits float32 [N, K, H, W] of prepared pixels [N, H, W, 3]."""
        images = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
        logits = self.engine.run(images)
        wanted = (len(pixels), len(self.classes), *pixels.shape[1:3])
        if logits.shape != wanted:
            raise InvalidModelError(
                f"the model gave {list(logits.shape)} where its {wanted[1]} classes ask for {list(wanted)}"
            )
        if np.isnan(logits.max()):  # which is where any of them is
            raise InvalidModelError("the model gave values that are no numbers (NaN)", "export or train it again")
        return logits

    def _read(self, image: Input) -> tuple[np.ndarray, Header | None]:
        if isinstance(image, EncryptedImage):
            return image.pixels, image.header
        if isinstance(image, str | Path):
            return self._decode(read_limited(image, MAX_BYTES))
        if isinstance(image, bytes):
            return self._decode(image)
        return as_pixels(image), None  # whatever could be encrypted is a plain image

    def _decode(self, data: bytes) -> tuple[np.ndarray, Header | None]:
        try:
            encrypted = EncryptedImage.from_bytes(data)
        except InvalidImageError:
            # A damaged encrypted image must not pass as a plain one: only files without our header are photographs.
            if is_encrypted(data):
                raise
            return open_image(data), None
        return encrypted.pixels, encrypted.header


def _argmax(logits: np.ndarray) -> np.ndarray:
    """The best class of every pixel, the first of equals. A running maximum: np.argmax over the first axis is slow."""
    best = logits[0].copy()
    labels = np.zeros(best.shape, np.uint8)
    for index in range(1, len(logits)):
        better = logits[index] > best
        labels[better] = index
        np.maximum(best, logits[index], out=best)
    return labels
