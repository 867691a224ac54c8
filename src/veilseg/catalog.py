"""The catalogue: one row per cipher with every fact that other code needs. Light: imports nothing but the errors.

Lists, help texts, header rules, recipe checks and the page's table (`to_json`) are made from these rows. What a cipher
*does* is in its class, which the row names and `veilseg.ciphers` imports when it is first used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from veilseg.errors import UsageError

KeyUse = Literal["none", "optional", "required"]
Family = Literal["key-invariant", "reducing", "model key", "conventional"]
Mechanism = Literal["sort", "shuffle", "quantiles", "mean", "permutation", "rotation", "inversion", "table"]
#: Whether a header has a field: never, always, or exactly when the image was encrypted with a key.
Presence = Literal["never", "always", "with a key"]

#: Sides in pixels.
DEFAULT_CIPHER = "subblock-sort"
#: For models that are encrypted.
DEFAULT_MODEL_CIPHER = "patch-permutation"
DEFAULT_BLOCK = 16
DEFAULT_SUB_BLOCK = 12
#: The longer side in pixels to which photographs are reduced where no model says otherwise.
DEFAULT_LONGER_SIDE = 480
LARGEST_BLOCK = 64
#: A sub-block of one pixel would send the photograph itself.
SMALLEST_SUB_BLOCK = 2


@dataclass(frozen=True, kw_only=True)
class CipherFacts:
    """What is true of a cipher, whatever its parameters.

    Attributes:
        name: as in headers, configs and on the command line.
        mechanism: what becomes of the values of a block or sub-block; attacks ask for it.
        family: "key-invariant" (the shuffle and its canonical form), "reducing" (means of sub-blocks are sent),
            "model key" (one key for model and images), "conventional" (networks are trained for one key).
        key: whether encryption takes a key. "optional": with one there is a way back, without one there is none.
        summary: one line for lists.
        visible: what anybody sees in an encrypted image; `{s}` stands for the side of a sub-block in pixels.
        implementation: "module:class" of the `veilseg.ciphers.Cipher`.
        sub_blocks: whether blocks are cut into sub-blocks.
        bits: per stored value, 8 or 16.
        largest_block: side in pixels.
        training_input: what a recipe calls a network that reads these images; None where none is trained on them.
        canonical: the cipher whose images are the canonical form of this one's. A model for it takes both.
    """

    name: str
    family: Family
    mechanism: Mechanism
    key: KeyUse
    summary: str
    visible: str
    implementation: str
    sub_blocks: bool = False
    bits: Literal[8, 16] = 8
    largest_block: int = LARGEST_BLOCK
    training_input: str | None = None
    canonical: str | None = None

    @property
    def accepts(self) -> tuple[str, ...]:
        """The ciphers whose images a model for this one takes, this one first."""
        return (self.name, *(row.name for row in CATALOG.values() if row.canonical == self.name))

    @property
    def header_fields(self) -> dict[str, Presence]:
        """Which of the fields that not every header has are there."""
        keyed: dict[KeyUse, Presence] = {"none": "never", "optional": "with a key", "required": "always"}
        return {
            "sub_block": "always" if self.sub_blocks else "never",
            "nonce": "with a key" if self.key == "optional" else "never",
            "key_fingerprint": keyed[self.key],
        }


_MOSAIC = (
    "The coarse layout of the scene is visible to anybody: a mosaic with cells of {s} x {s} pixels. Letters of half "
    "a cell or more are read in part by an attacker who trains a reader for them: half of those of two cells, nearly "
    "all of those of four. "
)
_VALUES = "Which values occur in each cell can be read too, without the channels' names; where in the cell they were "
_MOVED = (
    "Every image under this key moves its values in one and the same way: one known photograph, or several encrypted "
    "ones, let an attacker undo it for all."
)

#: Every cipher by its name, the product's default first.
CATALOG: dict[str, CipherFacts] = {}


def register(facts: CipherFacts) -> None:
    """Add a cipher. Raises UsageError when the name, or the name of its training input, is taken."""
    if facts.name in CATALOG:
        raise UsageError(f"there is a cipher {facts.name!r} already")
    if facts.training_input is not None and facts.training_input in training_inputs():
        raise UsageError(f"there is a training input {facts.training_input!r} already")
    CATALOG[facts.name] = facts


def facts(name: str) -> CipherFacts:
    """The row of a cipher. Raises UsageError for an unknown name."""
    if not isinstance(name, str) or name not in CATALOG:
        shown = repr(name[:40]) if isinstance(name, str) else f"of type {type(name).__name__}"
        raise UsageError(f"unknown cipher {shown}", f"choose one of: {', '.join(CATALOG)}")
    return CATALOG[name]


def of_family(*families: Family) -> tuple[str, ...]:
    """The names of the ciphers of these families."""
    return tuple(row.name for row in CATALOG.values() if row.family in families)


def training_inputs() -> dict[str, str]:
    """{what a recipe calls it: cipher} for all ciphers that networks are trained on."""
    return {row.training_input: row.name for row in CATALOG.values() if row.training_input is not None}


def names(*families: Family) -> str:
    """The ciphers of these families (none: all) for a help text: "a, b or c"."""
    *most, last = of_family(*families) if families else tuple(CATALOG)
    return f"{', '.join(most)} or {last}" if most else last


def to_json() -> str:
    """What a client in another language needs, as JSON.

    {"defaults": {longer_side, sub_block}, "ciphers": {name: {key, bits, sub_blocks, ...}}}.
    `python -m veilseg.catalog > src/veilseg/server/web/catalog.json` makes the web page's copy.
    """
    needed = ("key", "bits", "sub_blocks", "largest_block", "header_fields", "visible")
    rows = {row.name: {name: getattr(row, name) for name in needed} for row in CATALOG.values()}
    defaults = {"longer_side": DEFAULT_LONGER_SIDE, "sub_block": DEFAULT_SUB_BLOCK}
    return json.dumps({"defaults": defaults, "ciphers": rows}, indent=2) + "\n"


for _row in (
    CipherFacts(
        name="subblock-sort",
        family="key-invariant",
        mechanism="sort",
        key="none",
        summary="the canonical form: values sorted inside sub-blocks; no key exists",
        visible=f"{_MOSAIC}{_VALUES}is not in the file.",
        implementation="veilseg.ciphers.subblock.sort:SubBlockSort",
        sub_blocks=True,
        training_input="canonical",
    ),
    CipherFacts(
        name="subblock-shuffle",
        family="key-invariant",
        mechanism="shuffle",
        key="optional",
        summary="values shuffled inside sub-blocks; with a key there is a way back",
        visible=f"{_MOSAIC}{_VALUES}takes the key, if there is one.",
        implementation="veilseg.ciphers.subblock.shuffle:SubBlockShuffle",
        sub_blocks=True,
        training_input="shuffled",
        canonical="subblock-sort",
    ),
    CipherFacts(
        name="subblock-quartiles",
        family="reducing",
        mechanism="quantiles",
        key="none",
        summary="four means of every channel of a sub-block; no key exists",
        visible=_MOSAIC
        + "Of the values in each cell four means a channel can be read too, without the channels' names.",
        implementation="veilseg.ciphers.subblock.quartiles:SubBlockQuartiles",
        sub_blocks=True,
        training_input="quartiles",
    ),
    CipherFacts(
        name="mosaic",
        family="reducing",
        mechanism="mean",
        key="none",
        summary="the mean colour of every sub-block, the yardstick; no key exists",
        visible=_MOSAIC + "Nothing finer is in the file.",
        implementation="veilseg.ciphers.subblock.mosaic:Mosaic",
        sub_blocks=True,
        training_input="mosaic",
    ),
    CipherFacts(
        name="patch-permutation",
        family="model key",
        mechanism="permutation",
        key="required",
        summary="the values of every block in one keyed order; for models encrypted with the key",
        visible=_MOVED,
        implementation="veilseg.ciphers.patch.permutation:PatchPermutation",
    ),
    CipherFacts(
        name="patch-rotation",
        family="model key",
        mechanism="rotation",
        key="required",
        summary="every block turned by one keyed rotation, in 16 bits; for models encrypted with the key",
        visible="Every image under this key is turned by one and the same rotation, which keeps the distances between "
        "blocks: about one known photograph lets an attacker undo it for all, and several encrypted ones show most of "
        "the picture.",
        implementation="veilseg.ciphers.patch.rotation:PatchRotation",
        bits=16,
        # Beyond, the matrix takes a gigabyte, and 16 bits no longer restore every pixel.
        largest_block=32,
    ),
    CipherFacts(
        name="shf",
        family="conventional",
        mechanism="permutation",
        key="required",
        summary="conventional: the values of every block in one keyed order, to be trained with",
        visible=_MOVED,
        implementation="veilseg.ciphers.conventional.shf:Shf",
        training_input="shf",
    ),
    CipherFacts(
        name="np",
        family="conventional",
        mechanism="inversion",
        key="required",
        summary="conventional: a keyed half of the values inverted, to be trained with",
        visible="Every image under this key has the same half of its values inverted: outlines are visible, and "
        "several encrypted images, without any known one, let an attacker undo it for all.",
        implementation="veilseg.ciphers.conventional.negative_positive:NegativePositive",
        training_input="np",
    ),
    CipherFacts(
        name="ffx",
        family="conventional",
        mechanism="table",
        key="required",
        summary="conventional: a keyed half of the values exchanged by a table, to be trained with",
        visible="Every image under this key has the same half of its values exchanged by one table: outlines are "
        "visible, and several encrypted images, without any known one, show most of the picture.",
        implementation="veilseg.ciphers.conventional.ffx:Ffx",
        bits=16,
        training_input="ffx",
    ),
):
    register(_row)

if __name__ == "__main__":
    print(to_json(), end="")
