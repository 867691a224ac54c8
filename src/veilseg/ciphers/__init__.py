"""Image encryption: plain image in, encrypted image out; NumPy arrays, no torch. This is what a camera runs."""

from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.base import Cipher, InputTransform
from veilseg.ciphers.factory import canonical_cipher, cipher, cipher_for, cipher_of_input
from veilseg.ciphers.image import EncryptedImage

__all__ = [
    "AffineMap",
    "Cipher",
    "EncryptedImage",
    "InputTransform",
    "canonical_cipher",
    "cipher",
    "cipher_for",
    "cipher_of_input",
]
