"""What is audited: a few images with what they show, the audit's own keys, and what goes to the attacks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veilseg.audit.base import Evidence, Pixels, Stored, Training
from veilseg.audit.recognition import Box
from veilseg.ciphers import Cipher
from veilseg.ciphers.plain import pad
from veilseg.errors import InvalidImageError, InvalidModelError, UsageError
from veilseg.keys import Key

SMALLEST = 32
"""Pixels: the smallest side of an image that is worth attacking."""

PAIRS = 2
"""How many public photographs the attacker knows in both versions."""

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


@dataclass(frozen=True)
class Subject:
    """One image to be audited: its name, uint8 [H, W, 3], and the number plates in it where they are known."""

    name: str
    image: Pixels
    plates: tuple[tuple[str, Box], ...] = ()


def open_subjects(source: str, limit: int) -> list[Subject]:
    """The first `limit` images of a folder of photographs, or of a dataset written as for `veilseg evaluate`.

    Of generated scenes the texts of the plates are known. Raises UsageError where there is no image, and whatever
    opening an image raises, with the file's name.
    """
    from veilseg.data import open_data
    from veilseg.data.scenes.dataset import SceneData
    from veilseg.images import list_images

    if Path(source).is_dir():
        subjects = [Subject(path.stem, _open(path)) for path in list_images(source)[:limit]]
        if not subjects:
            raise UsageError(f"there is no image in {source}", "JPEG, PNG, WebP, BMP and TIFF are read")
    elif ":" not in source:
        raise UsageError(f"there is no folder {source}", "name a folder of images, or a dataset such as scenes:5")
    else:
        data = open_data(source)
        if isinstance(data, SceneData):
            scenes = [(f"scene {i}", data.scene(i)) for i in range(min(limit, len(data)))]
            subjects = [Subject(name, scene.image, scene.plates) for name, scene in scenes]
        else:
            spread = np.unique(np.linspace(0, len(data) - 1, min(limit, len(data))).round().astype(int)).tolist()
            subjects = [Subject(data[i].name, data[i].image) for i in spread]
    for subject in subjects:
        if min(subject.image.shape[:2]) < SMALLEST:
            raise UsageError(f"{subject.name} is too small to be audited", f"{SMALLEST} pixels a side are the least")
    return subjects


def open_references(folder: Path | None) -> tuple[Pixels, ...]:
    """Public photographs for the attacker: those of a folder, or by default those in scikit-image's wheel."""
    from skimage import data

    from veilseg.images import list_images

    if folder is None:
        left, _, _ = data.stereo_motorcycle()
        return (*(np.asarray(getattr(data, name)()) for name in PHOTOGRAPHS), np.asarray(left))
    if not folder.is_dir() or not (paths := list_images(folder)):
        raise UsageError(f"there is no image in {folder}", "name a folder of photographs, or leave --references out")
    return tuple(_open(path) for path in paths)


def _open(path: Path) -> Pixels:
    """open_image, whose errors do not say which file they are about."""
    from veilseg.images import open_image

    try:
        return open_image(path)
    except InvalidImageError as error:
        raise InvalidImageError(f"{path.name}: {error.message}", error.hint) from error


class Victim:
    """Encrypts for the audit with one key that follows from the seed. Never use it for anything else: whoever knows the
    seed knows the key.
    """

    def __init__(self, cipher: Cipher, seed: int, role: str = "victim") -> None:
        self.cipher = cipher
        self.key = Key(hashlib.sha256(f"veilseg audit {role} {seed}".encode()).digest())
        self._count = 0

    def encrypt(self, image: Pixels) -> Stored:
        """`image` padded to whole blocks and encrypted, with a nonce of its own where the cipher has one."""
        self._count += 1
        nonce = hashlib.sha256(self._count.to_bytes(8, "big")).digest()[:16]
        key = None if self.cipher.key_use == "none" else self.key
        return self.cipher.encrypt_pixels(pad(image, self.cipher.spec.block), key, nonce)


def gather(
    victim: Victim, subjects: Sequence[Subject], references: tuple[Pixels, ...], seed: int, training: Training
) -> Evidence:
    """Everything an attacker could hold against this victim; the pairs are of the first public photographs."""
    cipher = victim.cipher
    encrypted = tuple(victim.encrypt(subject.image) for subject in subjects)
    known = [pad(image, cipher.spec.block) for image in references[:PAIRS]] if cipher.key_use != "none" else []
    public, locked = _embeddings(victim)
    return Evidence(
        cipher=cipher,
        encrypted=encrypted,
        pairs=tuple((image, victim.encrypt(image)) for image in known),
        references=references,
        own=Victim(cipher, seed, "attacker").encrypt,
        public_embedding=public,
        locked_embedding=locked,
        seed=seed,
        training=training,
    )


def _embeddings(victim: Victim) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The shipped plain model's patch embedding [L, D] and what it is once locked; None, None where blocks differ."""
    from veilseg.models.encryption.onnx_stem import read_stem
    from veilseg.modelfolder import find_model

    try:
        transform = victim.cipher.affine(victim.key)
        found = find_model("plain", "onnx")
        assert found.folder is not None
        weight, _ = read_stem(found.folder, victim.cipher.spec.block)
    except (InvalidModelError, UsageError):
        return None, None
    public = weight.reshape(len(weight), -1).T.astype(np.float64)
    return public, transform.matrix @ public
