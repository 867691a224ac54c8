"""Every cipher by its name. To add one, add a file and a line."""

from __future__ import annotations

from veilseg.ciphers.canonical import SubBlockSort
from veilseg.ciphers.ffx import Ffx
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.mosaic import Mosaic
from veilseg.ciphers.negative_positive import NegativePositive
from veilseg.ciphers.permutation import PatchPermutation
from veilseg.ciphers.quartiles import SubBlockQuartiles
from veilseg.ciphers.rotation import PatchRotation
from veilseg.ciphers.shf import Shf
from veilseg.ciphers.shuffle import SubBlockShuffle
from veilseg.container import Header
from veilseg.errors import InvalidImage, UsageError
from veilseg.parameters import DEFAULT_BLOCK

CIPHERS: dict[str, type[Cipher]] = {
    kind.name: kind
    for kind in (
        SubBlockSort,
        SubBlockShuffle,
        SubBlockQuartiles,
        PatchPermutation,
        PatchRotation,
        Mosaic,
        Shf,
        NegativePositive,
        Ffx,
    )
}


def cipher(name: str, block: int = DEFAULT_BLOCK, sub_block: int | None = None, **options: str) -> Cipher:
    """The cipher `name` for blocks and sub-blocks of the given sides in pixels (default sub-block: 4).

    The smaller the sub-block, the finer the mosaic that everybody sees: 2 and 3 pixels hide little, 1 is refused.

    subblock-sort: the canonical form, no key; the default of the product. subblock-shuffle [P1]: with a key there is a
    way back, without one the keys are drawn and forgotten. Their options: channels="sub-block" | "block" | "none",
    shuffle="channel" | "shared". subblock-quartiles: between the sort and the mosaic, no key. mosaic: the yardstick.
    patch-permutation and patch-rotation [P2] need a key. shf, np, ffx: conventional, with a key, for networks trained on encrypted images ([P2] Table 2).

    Raises UsageError for unknown names and for sizes or options that the cipher does not have.
    """
    if name not in CIPHERS:
        raise UsageError(f"unknown cipher {name!r}", f"choose one of: {', '.join(CIPHERS)}")
    return CIPHERS[name](block, sub_block, **options)


def cipher_of(header: Header) -> Cipher:
    """The cipher that made an encrypted image. Raises InvalidImage if none here could have."""
    given = {"channels": header.channels, "shuffle": header.shuffle}
    options = {name: value for name, value in given.items() if value is not None}
    try:
        made = cipher(header.cipher, header.block, header.sub_block, **options)
    except UsageError as error:
        raise InvalidImage(f"the header makes no sense: {error.message}", error.hint) from error
    if made.sub_block != header.sub_block or made.options != options:  # defaults are for people, not for files
        raise InvalidImage(f"the header lacks the parameters of {header.cipher}", "encrypt the image again")
    return made
