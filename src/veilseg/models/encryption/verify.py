"""Every encryption proves itself: one random image with the right key, a wrong one and none, and the plain network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from veilseg.ciphers import cipher_for
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.errors import InvalidModelError
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.probe import Probe, image_size, in_float32, run, saw_the_image
from veilseg.models.encryption.processor import PixelStatistics, statistics_of
from veilseg.models.encryption.stems import find_stem, grid_of
from veilseg.models.encryption.trial import ROUNDING, ROUNDING_OF_HALF, WRONG, Proof, distance, random_photo

if TYPE_CHECKING:
    from veilseg.keys import Key

Images = dict[str, NDArray[Any]]
Prepare = Callable[[NDArray[np.uint8]], NDArray[Any]]


def verify_encryption(
    model: nn.Module,
    encrypted: nn.Module,
    key: Key,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    processor: object | None = None,
    stem: str | None = None,
) -> Proof:
    """Compare `encrypted` with the plain `model` that it was made from, on a random image; both stay as they are.

    The image is encrypted by the cipher itself, not by the matrix that went into the model. Networks run on their own
    device, at a size that `model` takes.

    Args:
        model, encrypted: before and after `encrypt_model`, or saved by any library and loaded again.
        key: what `encrypted` belongs to.
        mean, std, processor, stem: as they were given to `encrypt_model`.

    Raises:
        InvalidModelError: where the answers differ by more than rounding, where a wrong key or none does as well as
            the right one, or where the network does not run on an image alone. The message says why.
    """
    statistics = statistics_of(mean, std, processor) or PixelStatistics()
    return _with_key(model, statistics.normalize, encrypted, key, stem)


def verify_rekeying(before: nn.Module, after: nn.Module, old: Key, new: Key, *, stem: str | None = None) -> Proof:
    """Compare a model `before`, which belongs to the key `old`, with itself `after` it was given the key `new`.

    Raises InvalidModelError as verify_encryption does.
    """
    cipher = cipher_for(input_spec(before).check_old_key(old.fingerprint))
    return _with_key(before, lambda photo: cipher.encrypt_pixels(photo, old, None), after, new, stem)


def verify_images(
    model: nn.Module,
    encrypted: nn.Module,
    matrix: EncryptionMatrix,
    bits: int,
    prepare: Prepare,
    limit: float,
    stem: str | None,
) -> Proof:
    """The same for a model that reads images encrypted with `matrix`, in float32 or stored in 16 bits."""
    wrong = EncryptionMatrix.drawn(WRONG, matrix.block)

    def encrypt(photo: NDArray[np.uint8], used: EncryptionMatrix) -> NDArray[Any]:
        return used.encrypt(photo) if bits == 32 else used.store(used.encrypt(photo))

    def images(photo: NDArray[np.uint8]) -> Images:
        return {"right": encrypt(photo, matrix), "wrong": encrypt(photo, wrong), "none": photo}

    return _compare(model, prepare, encrypted, images, limit, stem)


def _with_key(reference: nn.Module, prepare: Prepare, encrypted: nn.Module, key: Key, stem: str | None) -> Proof:
    encryption = input_spec(encrypted).check_old_key(key.fingerprint)
    cipher, bits = cipher_for(encryption), encryption.facts.bits

    def images(photo: NDArray[np.uint8]) -> Images:
        none = photo if bits == 8 else photo.astype(np.uint16) * 257
        return {
            "right": cipher.encrypt_pixels(photo, key, None),
            "wrong": cipher.encrypt_pixels(photo, WRONG, None),
            "none": none,
        }

    limit = ROUNDING[bits] if in_float32(reference) is reference else ROUNDING_OF_HALF
    return _compare(reference, prepare, encrypted, images, limit, stem)


def _compare(
    reference: nn.Module,
    prepare: Prepare,
    encrypted: nn.Module,
    encrypt: Callable[[NDArray[np.uint8]], Images],
    limit: float,
    path: str | None,
) -> Proof:
    """`limit`: the largest difference that counts as rounding; `path`: of the stem, where one was given."""
    before, after = in_float32(reference), in_float32(encrypted)
    stem = find_stem(after, path)
    photo = random_photo(*image_size(before, grid_of(stem), lambda h, w: prepare(random_photo(h, w))))
    images = encrypt(photo)
    wanted = run(before, prepare(photo), find_stem(before, path))
    try:
        got = {name: run(after, image, stem) for name, image in images.items()}
    except Exception as error:  # networks raise what they like
        raise InvalidModelError(
            f"the encrypted network does not run where the plain one does ({type(error).__name__})"
        ) from error
    off = distance(got["right"].answers, wanted.answers)
    proof = Proof(off, *(_off(got[name], wanted) for name in ("wrong", "none")))
    unchanged = saw_the_image(after, stem, got["right"].seen, images["right"]) is not None
    proof.check(limit, _reason(got["right"], wanted, limit, unchanged=unchanged))
    return proof


def _off(got: Probe, wanted: Probe) -> float:
    return max(distance(got.answers, wanted.answers), _off_at_stem(got, wanted))


def _off_at_stem(got: Probe, wanted: Probe) -> float:
    """How far the patch embeddings are apart, each channel's mean aside: a bias may have moved behind the stem.

    0 where they cannot be compared: blocks larger than the plain model's patches are embedded as one.
    """
    if got.embedded is None or wanted.embedded is None or got.embedded.shape != wanted.embedded.shape:
        return 0.0
    axes = tuple(range(2, wanted.embedded.ndim))
    pair = [embedded - embedded.mean(axis=axes, keepdims=True) for embedded in (got.embedded, wanted.embedded)]
    return distance(pair[:1], pair[1:])


def _reason(right: Probe, wanted: Probe, limit: float, *, unchanged: bool) -> str:
    if right.seen is None:
        return "its patch embedding was not used"
    if not unchanged:
        return "the network changes the image itself (it resizes, pads or normalizes it) before its patch embedding"
    if not _off_at_stem(right, wanted) <= limit:
        return "its patch embedding holds other weights than were written (an adapter, or weights lost in the file)"
    return (
        "its patch embedding agrees and what follows does not, so another part reads the image too, or a bias that was "
        "needed is not in the file"
    )
