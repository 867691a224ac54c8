"""The public parameters of the ciphers: their values, defaults and limits, for all rooms. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal, get_args

Channels = Literal["sub-block", "block", "none"]
Shuffle = Literal["channel", "shared"]

#: The values of the two options of the sub-block ciphers; the first is the default.
CHANNELS: tuple[Channels, ...] = get_args(Channels)
SHUFFLES: tuple[Shuffle, ...] = get_args(Shuffle)

#: Sides in pixels.
DEFAULT_BLOCK = 16
DEFAULT_SUB_BLOCK = 4
MAX_BLOCK = 64
