"""Image encryption: plain image in, encrypted image out; NumPy arrays, no torch."""

from veilseg.ciphers.canonical import canonicalize
from veilseg.ciphers.grid import DEFAULT_BLOCK, DEFAULT_SUB_BLOCK
from veilseg.ciphers.mosaic import mosaic

__all__ = ["DEFAULT_BLOCK", "DEFAULT_SUB_BLOCK", "canonicalize", "mosaic"]
