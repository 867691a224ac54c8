"""What an encrypted picture shows, counted in cells: how many there are, and how small writing falls below one.

What people and programs can read in a picture depends on the cells that it has along a letter or a face, not on the
side of a cell alone: docs/threat-model.md says what was read at which size.
"""

from __future__ import annotations

from veilseg.catalog import DEFAULT_LONGER_SIDE, DEFAULT_SUB_BLOCK
from veilseg.scale import ORIGINAL
from veilseg.spec import CipherSpec

#: Cells along the longer side of a picture at the product's defaults; more of them show more.
DEFAULT_CELLS = DEFAULT_LONGER_SIDE // DEFAULT_SUB_BLOCK


def describe_cells(spec: CipherSpec, height: int, width: int, photograph: int | None = None) -> str | None:
    """The cells of an encrypted picture in a sentence; None for ciphers that mix whole blocks.

    Args:
        spec: how it is encrypted.
        height, width: its true size in pixels.
        photograph: the longer side in pixels of the photograph that it was reduced from, where that is known.
    """
    if spec.sub_block is None:
        return None
    s, longest, origin = spec.sub_block, max(height, width), ""
    if photograph is not None and photograph > longest:
        origin = f" ({-(-s * photograph // longest)} of your photograph)"
    cells = f"{-(-width // s)} x {-(-height // s)} cells"
    return f"{cells}; writing lower than {s} pixels of this picture{origin} is below one cell"


def usual_side(spec: CipherSpec) -> int:
    """The longest side in pixels of a picture that shows no more than the default: DEFAULT_CELLS cells.

    Of ciphers without sub-blocks as many blocks, or the default's pixels, which may be more.
    """
    return DEFAULT_CELLS * spec.cell if spec.sub_block else max(DEFAULT_LONGER_SIDE, DEFAULT_CELLS * spec.block)


def finer_than_default(spec: CipherSpec, longer_side: int) -> bool:
    """Whether pictures with so many pixels along their longer side (ORIGINAL: any number) may show more than usual."""
    return longer_side == ORIGINAL or longer_side > usual_side(spec)


def cells_at(spec: CipherSpec, longer_side: int) -> str | None:
    """How many cells pictures have at a working size, for many at once; None for ciphers that mix whole blocks."""
    if spec.sub_block is None:
        return None
    size = "photographs keep their size" if longer_side == ORIGINAL else f"working size {longer_side} pixels"
    count = "" if longer_side == ORIGINAL else f", at most {-(-longer_side // spec.cell)} cells a side"
    return f"{size}{count}; writing lower than {spec.sub_block} pixels of the encrypted pictures is below one cell"


def warn_of_cells(spec: CipherSpec, longer_side: int) -> str:
    """What to say of pictures that are finer than the default."""
    cells = "cells" if spec.sub_block else "blocks"
    if longer_side == ORIGINAL:
        larger = f"photographs keep their size; those of more than {usual_side(spec)} pixels have more {cells}"
        return f"{larger} along the longer side than the default's {DEFAULT_CELLS}: more can be read in them"
    count = f"{-(-longer_side // spec.cell)} {cells} of {spec.cell} pixels along the longer side"
    more = f"more than the default's {DEFAULT_CELLS}: more can be read in them"
    return f"pictures of {longer_side} pixels have {count}, {more}"
