"""Fonts of the machine, by file name, and the dot font of the generated scenes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from veilseg.data.scenes.plates import GLYPHS
from veilseg.errors import UsageError

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts")
DOTS = "dots"
"""The scenes' font, which is no file and has no small letters."""

LEARNED = (
    DOTS, DOTS, DOTS,
    "DejaVuSans-Bold.ttf", "DejaVuSansCondensed-Bold.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSans.ttf",
    "LiberationSans-Bold.ttf", "LiberationSansNarrow-Bold.ttf", "LiberationMono-Bold.ttf", "LiberationSans-Regular.ttf",
    "FreeSansBold.ttf", "RG2014D.ttf", "RG2014EM.ttf", "OSP-DIN.ttf", "Roboto-Bold.ttf", "RobotoCondensed-Bold.ttf",
    "OpenSans-Bold.ttf", "Lato-Bold.ttf",
)  # fmt: skip
"""What readers learn from, the scenes' font thrice as often as each other."""

UNSEEN = ("B612-Bold.otf", "B612Mono-Bold.otf", "BebasNeue-Bold.otf", "NationalPark-Heavy.otf", "Cantarell-Bold.otf",
          "Inter-Bold.otf", "OCRB.otf")  # fmt: skip
"""Of other families: what they are tested on as well."""

PACKAGES = (
    "fonts-b612 fonts-bebas-neue fonts-cantarell fonts-dejavu fonts-freefont-ttf fonts-inter fonts-lato "
    "fonts-liberation fonts-national-park fonts-ocr-b fonts-open-sans fonts-opendin fonts-roadgeek "
    "fonts-roboto-unhinted"
)
"""Debian's, which bring them all."""


@dataclass(frozen=True)
class Glyph:
    """One character: its ink, 8-bit grey, where the ink begins (0: the top of capitals), how far the next one is."""

    ink: Image.Image
    left: float
    top: float
    advance: float


class Face:
    """A font at one height of its capitals, in pixels."""

    def __init__(self, name: str, height: int) -> None:
        self.name, self.height = name, height

    def glyph(self, character: str) -> Glyph:
        """The character's ink."""
        return _dotted(character, self.height) if self.name == DOTS else _drawn(self.name, character, self.height)


def find_fonts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that this machine has. Raises UsageError where there is none."""
    found = tuple(name for name in names if name == DOTS or name in _files())
    if set(found) <= {DOTS}:
        raise UsageError("none of the fonts that readers learn from is on this machine", f"apt install {PACKAGES}")
    return found


@cache
def _files() -> dict[str, Path]:
    folders = [Path(folder).expanduser() for folder in FOLDERS]
    return {path.name: path for folder in folders for path in sorted(folder.rglob("*.[ot]tf"))}


@lru_cache(maxsize=2048)
def _font(name: str, height: int) -> ImageFont.FreeTypeFont:
    """The font at the size at which an H is `height` pixels high."""
    trial = ImageFont.truetype(_files()[name], 200)
    _, top, _, bottom = trial.getbbox("H")
    return ImageFont.truetype(_files()[name], max(4, round(200 * height / (bottom - top))))


@lru_cache(maxsize=8192)
def _drawn(name: str, character: str, height: int) -> Glyph:
    font = _font(name, height)
    left, top, right, bottom = (round(value) for value in font.getbbox(character))
    _, capital, _, _ = font.getbbox("H")
    picture = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(picture).text((-left, -top), character, fill=255, font=font)
    return Glyph(picture, left, top - capital, font.getlength(character))


@lru_cache(maxsize=2048)
def _dotted(character: str, height: int) -> Glyph:
    dots = np.array([[row >> (4 - x) & 1 for x in range(5)] for row in bytes.fromhex(GLYPHS[character])], np.uint8)
    width = round(height * 5 / 7)
    return Glyph(Image.fromarray(dots * 255).resize((width, height), Image.Resampling.NEAREST), 0, 0, height * 6 / 7)
