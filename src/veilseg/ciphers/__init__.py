"""Image encryption: plain image in, encrypted image out; NumPy arrays, no torch. This is what a camera runs."""

from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.base import Cipher, InputTransform
from veilseg.ciphers.factory import (
    Plain,
    canonical_cipher,
    cipher,
    cipher_for,
    cipher_of_input,
    client_cipher,
    own_cipher,
)
from veilseg.ciphers.image import EncryptedImage

__all__ = [
    "AffineMap",
    "Cipher",
    "EncryptedImage",
    "InputTransform",
    "Plain",
    "canonical_cipher",
    "cipher",
    "cipher_for",
    "cipher_of_input",
    "client_cipher",
    "own_cipher",
]
