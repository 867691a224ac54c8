"""What an encrypted image gives away, in the words that every page and command uses."""

from __future__ import annotations

from veilseg.container import Header

#: The honest sentence of the product; {s} is the side of a sub-block in pixels.
SENTENCE = (
    "Fine detail (number plates, faces, writing, screens) stays with the client; the coarse layout of the scene, "
    "down to a mosaic of {s} x {s} pixels, is what the server works on and therefore sees."
)
#: What follows from the cipher. {names}: what becomes of the channels' names.
_MORE = {
    "subblock-sort": "Which values occur in each tile of the mosaic can be read too{names}; where in the tile they "
    "were is not in the file.",
    "subblock-shuffle": "Which values occur in each tile of the mosaic can be read too{names}; where in the tile they "
    "were takes the key, if there is one.",
    "subblock-quartiles": "Of the values in each tile of the mosaic four means a channel can be read too{names}.",
    "mosaic": "Nothing finer is in the file.",
}
_MOVED = (
    "Every image under this key moves its values in one and the same way: one known photograph, or several encrypted "
    "ones, let an attacker undo it for all."
)
_ONE_KEY = {
    "patch-permutation": _MOVED,
    "patch-rotation": "Every image under this key is turned by one and the same rotation, which keeps the distances "
    "between blocks: about one known photograph lets an attacker undo it for all, and several encrypted ones show most "
    "of the picture.",
    "shf": _MOVED,
    "np": "Every image under this key has the same half of its values inverted: outlines are visible, and several "
    "encrypted images, without any known one, let an attacker undo it for all.",
    "ffx": "Every image under this key has the same half of its values exchanged by one table: outlines are visible, "
    "and several encrypted images, without any known one, show most of the picture.",
}
_UNKNOWN = "This cipher is not known here; the veilseg that wrote the file knows it."


def gives_away(header: Header) -> str:
    """What anybody learns from an image with this public header, in one or two sentences."""
    if header.cipher in _MORE:
        names = "" if header.channels == "none" else ", without the channels' names"
        return f"{SENTENCE.format(s=header.sub_block)} {_MORE[header.cipher].format(names=names)}"
    return _ONE_KEY.get(header.cipher, _UNKNOWN)
