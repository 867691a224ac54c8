"""What belongs to one segmented picture: the photograph behind its label map, and the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from veilseg.ciphers import EncryptedImage
from veilseg.container import is_encrypted
from veilseg.errors import InvalidImageError
from veilseg.images import open_image, to_png
from veilseg.scale import Resize, working_size


def given_image(given: bytes | np.ndarray) -> EncryptedImage | np.ndarray:
    """A file's image: encrypted where it has our header, else a photograph, uint8 [H, W, 3]; arrays as they are."""
    if not isinstance(given, bytes):
        return given
    # A damaged encrypted image must not pass as a photograph.
    return EncryptedImage.from_bytes(given) if is_encrypted(given) else open_image(given)


def photograph_of(
    image: EncryptedImage | np.ndarray, photo: bytes | None, resize: Resize | None, *, needed: bool
) -> np.ndarray | None:
    """The photograph of a label map, uint8 [H, W, 3]: `photo`, else what is segmented itself where `needed`.

    `resize`: how the model's own library may have resized it. Raises InvalidImageError for one that cannot be read, or
    that was not reduced to this image.
    """
    if photo is not None:
        try:
            found = open_image(photo)
        except InvalidImageError as error:
            raise InvalidImageError(f"the photograph for its map: {error.message}", error.hint) from error
        size = image.shape[:2] if isinstance(image, np.ndarray) else (image.header.height, image.header.width)
        if working_size(found.shape[0], found.shape[1], max(size)) == size:
            return found
        if resize is not None and resize(found).shape[:2] == size:
            return found
        sizes = f"{found.shape[1]}x{found.shape[0]} but the image {size[1]}x{size[0]}"
        raise InvalidImageError(f"the photograph is {sizes}", "give the photograph that was encrypted")
    if not needed:
        return None
    if isinstance(image, EncryptedImage):
        raise InvalidImageError("an overlay needs the photograph, and this image is encrypted", "name it with --photo")
    return image


def blended_files(photograph: np.ndarray | None, labels: np.ndarray, palette: np.ndarray) -> tuple[bytes, ...]:
    """The file of an overlay, where there is a photograph to blend."""
    from veilseg.runtime.labels import overlay

    return () if photograph is None else (to_png(overlay(photograph, labels, palette)),)


def answer_files(
    names: Iterable[str], labels: np.ndarray, classes: Sequence[str], palette: np.ndarray
) -> tuple[bytes, ...]:
    """The files of what is said of a label map beside its picture."""
    from veilseg.runtime.answers import FORMS

    return tuple(FORMS[name][1](labels, classes, palette) for name in names)
