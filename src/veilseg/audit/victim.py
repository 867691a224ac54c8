"""Who is attacked: the audit's own key, and everything that an attacker could hold against it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from veilseg.audit.base import Evidence, Pixels, Stored, Training
from veilseg.audit.candidates import candidates
from veilseg.audit.lines import CharacterPositions
from veilseg.audit.samples import AuditSample
from veilseg.ciphers import Cipher
from veilseg.ciphers.plain import pad
from veilseg.errors import InvalidModelError
from veilseg.keys import Key
from veilseg.modelfolder import find_model
from veilseg.models.encryption.onnx_stem import read_stem

PAIRS = 2
"""How many public photographs the attacker knows in both versions."""


class Victim:
    """Encrypts for the audit with one key that follows from the seed.

    Never use it for anything else: whoever knows the seed knows the key.
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
    victim: Victim,
    samples: Sequence[AuditSample],
    references: tuple[Pixels, ...],
    seed: int,
    training: Training,
    places: tuple[tuple[CharacterPositions, ...], ...] = (),
) -> Evidence:
    """Everything an attacker could hold against this victim; the pairs are of the first public photographs."""
    cipher = victim.cipher
    encrypted = tuple(victim.encrypt(sample.image) for sample in samples)
    known = [pad(image, cipher.spec.block) for image in references[:PAIRS]] if cipher.key_use != "none" else []
    public = _public_embedding(cipher)
    return Evidence(
        cipher=cipher,
        encrypted=encrypted,
        places=places,
        pairs=tuple((image, victim.encrypt(image)) for image in known),
        references=references,
        candidates=candidates(samples, references, seed),
        own=Victim(cipher, seed, "attacker").encrypt,
        public_embedding=public,
        encrypted_embedding=None if public is None else cipher.affine(victim.key).matrix @ public,
        seed=seed,
        training=training,
    )


def _public_embedding(cipher: Cipher) -> np.ndarray | None:
    """The shipped plain model's patch embedding [L, D]; None for other blocks, and where no model is encrypted."""
    if cipher.facts.family != "model key":
        return None
    folder = find_model("plain", "onnx").folder
    assert folder is not None
    try:
        weight, _ = read_stem(folder, cipher.spec.block)
    except InvalidModelError:
        return None
    return weight.reshape(len(weight), -1).T.astype(np.float64)
