"""How an image is encrypted, said once: for headers, model configs, recipes, the command line and the page."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veilseg import catalog
from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_SUB_BLOCK, LARGEST_BLOCK, SMALLEST_SUB_BLOCK, CipherFacts
from veilseg.errors import UsageError


@dataclass(frozen=True, slots=True)
class CipherSpec:
    """A cipher with its public parameters.

    Attributes:
        cipher: a name of the catalogue.
        block: side of a block in pixels.
        sub_block: side of a sub-block in pixels, a divisor of `block` from 2; None where the cipher has none.

    Raises:
        UsageError: for an unknown cipher, and for sizes that it does not have.
    """

    cipher: str
    block: int
    sub_block: int | None = None

    def __post_init__(self) -> None:
        facts = self.facts
        if not is_whole(self.block, 1, facts.largest_block):
            raise UsageError(
                f"the block of {self.cipher} is a whole number of pixels from 1 to {facts.largest_block}, "
                f"not {short(self.block)}",
                f"{DEFAULT_BLOCK} is usual",
            )
        if not facts.sub_blocks:
            if self.sub_block is not None:
                raise UsageError(f"{self.cipher} has no sub-blocks", "leave the sub-block size out")
        elif self.sub_block is None:
            raise UsageError(f"{self.cipher} needs the side of its sub-blocks", "8, 12 and 16 are usual")
        elif is_whole(self.sub_block, 1, 1):
            raise UsageError(
                f"{self.cipher} with sub-blocks of one pixel would send the photograph itself",
                "8, 12 and 16 are usual; below 4 little is hidden",
            )
        elif not is_whole(self.sub_block, SMALLEST_SUB_BLOCK, self.block) or self.block % self.cell:
            raise UsageError(
                f"the sub-block size must divide the block size {self.block}, and {short(self.sub_block)} does not",
                "8, 12 and 16 are usual",
            )

    @property
    def facts(self) -> CipherFacts:
        """The cipher's row in the catalogue."""
        return catalog.facts(self.cipher)

    @property
    def cell(self) -> int:
        """The side in pixels of the smallest square that keeps its values to itself: the sub-block, else the block."""
        return self.block if self.sub_block is None else self.sub_block

    @property
    def visible(self) -> str:
        """What anybody sees in an image that is encrypted like this, in one to three sentences."""
        return self.facts.visible.format(s=self.cell)

    def to_dict(self) -> dict[str, Any]:
        """{"cipher", "block"} and, where there are sub-blocks, "sub_block"."""
        sub_block = {} if self.sub_block is None else {"sub_block": self.sub_block}
        return {"cipher": self.cipher, "block": self.block, **sub_block}

    def __str__(self) -> str:
        """As a person reads it: "subblock-sort, block 16, sub-block 4"."""
        sub_block = "" if self.sub_block is None else f", sub-block {self.sub_block}"
        return f"{self.cipher}, block {self.block}{sub_block}"


def make_spec(cipher: str, block: int | None = None, sub_block: int | None = None) -> CipherSpec:
    """A CipherSpec with the product's defaults for what is not given: blocks of 16 pixels, sub-blocks of 12.

    Of ciphers with sub-blocks, those that do not divide the usual block are blocks of their own, and a block that the
    usual ones do not divide is one sub-block. Sizes may be NumPy's whole numbers. Raises UsageError as CipherSpec does.
    """
    sides = [None if side is None else _plain_int(side) for side in (block, sub_block)]
    block, sub_block = sides
    if not catalog.facts(cipher).sub_blocks:
        return CipherSpec(cipher, DEFAULT_BLOCK if block is None else block, sub_block)
    if block is None:
        sub_block = DEFAULT_SUB_BLOCK if sub_block is None else sub_block
        own = is_whole(sub_block, SMALLEST_SUB_BLOCK, LARGEST_BLOCK) and DEFAULT_BLOCK % sub_block
        block = sub_block if own else DEFAULT_BLOCK
    elif sub_block is None:
        sub_block = DEFAULT_SUB_BLOCK if is_whole(block, 1, LARGEST_BLOCK) and block % DEFAULT_SUB_BLOCK == 0 else block
    return CipherSpec(cipher, block, sub_block)


def read_spec(values: Mapping[str, Any]) -> CipherSpec:
    """The way back from `CipherSpec.to_dict`; other entries are ignored. Raises UsageError like CipherSpec."""
    return CipherSpec(values.get("cipher", ""), values.get("block", 0), values.get("sub_block"))


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether `value` is an int (NumPy's are not: they would not be JSON) from `least` to `most`."""
    return type(value) is int and least <= value <= most


def _plain_int(value: Any) -> Any:
    """NumPy's whole numbers as int; everything else as it is, for CipherSpec to refuse."""
    return value if isinstance(value, bool) or not hasattr(value, "__index__") else operator.index(value)


def short(value: object) -> str:
    """A value of JSON for a message: of lists and objects, which may be deep, only what they are."""
    return type(value).__name__ if isinstance(value, list | dict) else repr(value)[:40]
