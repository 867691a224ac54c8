"""Image encryption: plain image in, encrypted image out; NumPy arrays, no torch. This is what a camera runs."""

from veilseg.ciphers.canonical import canonicalize
from veilseg.ciphers.image import Cipher, EncryptedImage
from veilseg.ciphers.mosaic import mosaic
from veilseg.ciphers.permutation import permutation
from veilseg.ciphers.quartiles import quartiles
from veilseg.ciphers.registry import CIPHERS, cipher
from veilseg.ciphers.rotation import rotation
from veilseg.ciphers.shuffle import shuffle_pixels
from veilseg.ciphers.transform import BlockTransform, affine
from veilseg.parameters import DEFAULT_BLOCK, DEFAULT_SUB_BLOCK

__all__ = [
    "CIPHERS",
    "DEFAULT_BLOCK",
    "DEFAULT_SUB_BLOCK",
    "BlockTransform",
    "Cipher",
    "EncryptedImage",
    "affine",
    "canonicalize",
    "cipher",
    "mosaic",
    "permutation",
    "quartiles",
    "rotation",
    "shuffle_pixels",
]
