"""SHF: the values of a block in one keyed order, to be trained with [AprilPyone 2020]."""

from __future__ import annotations

from veilseg.ciphers.patch.permutation import PatchPermutation


class Shf(PatchPermutation):
    """The same map as patch-permutation, under another subkey.

    There a model is encrypted, here a network is trained on the encrypted images.
    """

    name = "shf"
