"""Writing as a camera sees it: any font, size, angle, light, focus and noise, with every character's place known."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from veilseg.audit.base import Pixels
from veilseg.audit.lines import CharacterPositions, Line, readable
from veilseg.audit.readers.fonts import DOTS, Face
from veilseg.audit.readers.texts import plate, words
from veilseg.data.scenes.plates import GLYPHS

MARGIN = 2
"""Cells of background around the line, so that every window of a reader lies in the picture."""

FINEST = 20
"""Pixels that a capital has at least when it is drawn, before it is reduced to its size."""


LEVELS = 8192
"""Steps of linear light."""


@dataclass(frozen=True)
class CameraView:
    """From where and how a line is seen.

    Attributes:
        turn: radians of rotation.
        squeeze: how much narrower than from the front, 0..1.
        shear: sideways shift per height.
        fall: perspective: change of scale per ten heights.
        blur: standard deviation in pixels of the picture.
        noise: standard deviation in sRGB's steps.
        jpeg: quality, or 0 for none.
    """

    turn: float = 0.0
    squeeze: float = 1.0
    shear: float = 0.0
    fall: float = 0.0
    blur: float = 0.3
    noise: float = 1.0
    jpeg: int = 0


def random_view(rng: np.random.Generator) -> CameraView:
    """Mostly from the front, as a reader is used best."""
    return CameraView(
        turn=float(rng.normal(0, 0.05)),
        squeeze=float(rng.uniform(0.6, 1)) if rng.random() < 0.6 else 1.0,
        shear=float(rng.normal(0, 0.05)),
        fall=float(rng.normal(0, 0.1)) if rng.random() < 0.3 else 0.0,
        blur=float(rng.uniform(0.1, 1.0)),
        noise=float(min(rng.exponential(2.5), 10)),
        jpeg=int(rng.integers(70, 96)) if rng.random() < 0.25 else 0,
    )


def draw_line(
    rng: np.random.Generator,
    font: str,
    height: float,
    side: int,
    *,
    country: str | None = None,
    share_of_words: float = 0.3,
    view: CameraView | None = None,
) -> tuple[Pixels, Line]:
    """One line of writing on its plate, sign or screen, in front of something.

    Args:
        rng: of everything that is not given.
        font: a name that fonts.find_fonts returned.
        height: of a capital, in pixels of the picture.
        side: of a cell in pixels, for the margins.
        country: of a plate; None: any, and words too.
        share_of_words: how often it is words, where no country is given.
        view: None: random.

    Returns:
        uint8 [H, W, 3], sides multiples of `side`, at a random place of the grid; and the line.
    """
    view = view or random_view(rng)
    is_plate = country is not None or rng.random() >= share_of_words
    text, form = plate(rng, country) if is_plate else words(rng)
    over = max(2, -(-FINEST // int(max(1, height))))
    face = Face(font, max(8, round(height * over)))
    if font == DOTS:  # some letters it does not have
        text = "".join(one if one in GLYPHS else "X" for one in text.upper())
    ink, middles = _lay_out(text, face, rng, fixed=is_plate)
    to_picture = _homography(view, height, face.height, ink.size)
    edge = np.array([[0, 0], [ink.width, 0], [ink.width, ink.height], [0, ink.height]], float)
    corners = _move(to_picture, edge)
    low = corners.min(axis=0) - MARGIN * side - rng.uniform(0, side, 2)
    extent = -(-(corners.max(axis=0) - low + MARGIN * side) // side).astype(int) * side
    shift = np.eye(3)
    shift[:2, 2] = -low
    to_picture = shift @ to_picture
    masks = (_warped(ink, to_picture, extent, over), _polygon(corners - low, extent, over))
    blurred = [mask.reduce(over).filter(ImageFilter.GaussianBlur(view.blur)) for mask in masks]
    written, paper = (np.asarray(np.asarray(mask, np.float32) / 255, np.float32) for mask in blurred)
    picture = _develop(_light(written, paper, rng, is_plate), rng, view)
    return picture, Line(readable(text), form, CharacterPositions(_move(to_picture, middles), height))


def _lay_out(
    text: str, face: Face, rng: np.random.Generator, *, fixed: bool
) -> tuple[Image.Image, NDArray[np.float64]]:
    """The ink on the whole paper, 8-bit grey, and the characters' middles in its pixels, float64 [n, 2]."""
    height = face.height
    side, above = height * float(rng.uniform(0.05, 0.5)), height * float(rng.uniform(0.05, 0.4))
    widest = max(face.glyph(one).ink.width for one in text if one != " ")
    pitch = max(height * float(rng.uniform(0.62, 0.85)), 1.05 * widest) if fixed and rng.random() < 0.7 else None
    tracking, gap = height * float(rng.uniform(0, 0.12)), height * float(rng.uniform(0.25, 0.8))
    x, placed = side, []
    for one in text:
        if one == " ":
            x += gap
            continue
        glyph = face.glyph(one)
        start = x - glyph.left + (pitch - glyph.ink.width) / 2 if pitch else x
        placed.append((glyph, start + glyph.left))
        x += pitch or glyph.advance + tracking
    size = (int(x + side) + 1, int(height * 1.3 + 2 * above) + 1)
    ink = Image.new("L", size)
    for glyph, left in placed:
        ink.paste(glyph.ink, (round(left), round(above + glyph.top)), glyph.ink)
    middles = [(round(left) + glyph.ink.width / 2, above + height / 2) for glyph, left in placed]
    return ink, np.array(middles)


def _homography(view: CameraView, height: float, drawn: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """From pixels of the drawing to those of the picture, 3 x 3; the drawing's middle is the origin."""
    centre = np.array([[1, 0, -size[0] / 2], [0, 1, -size[1] / 2], [0, 0, drawn]]) / drawn
    flat = np.array([[view.squeeze, view.shear, 0], [0, 1, 0], [view.fall / 10, 0, 1]])
    cosine, sine = np.cos(view.turn), np.sin(view.turn)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1 / height]])
    return np.asarray(turn @ flat @ centre, np.float64)


def _move(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def _warped(mask: Image.Image, to_picture: NDArray[np.float64], extent: NDArray[np.int64], over: int) -> Image.Image:
    """The mask in the picture, `over` times as fine."""
    back = np.linalg.inv(np.diag([over, over, 1]) @ to_picture)
    eight = (back / back[2, 2]).ravel()[:8].tolist()
    size = (int(extent[0]) * over, int(extent[1]) * over)
    return mask.transform(size, Image.Transform.PERSPECTIVE, eight, Image.Resampling.BILINEAR)


def _polygon(corners: NDArray[np.float64], extent: NDArray[np.int64], over: int) -> Image.Image:
    """What lies between four corners in the picture, `over` times as fine."""
    mask = Image.new("L", (int(extent[0]) * over, int(extent[1]) * over))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in corners * over], fill=255)
    return mask


def _light(
    ink: NDArray[np.float32], paper: NDArray[np.float32], rng: np.random.Generator, is_plate: bool
) -> NDArray[np.float32]:
    """The scene's light, 0..1, float32 [H, W, 3]: ink on paper in front of something, unevenly lit."""
    height, width = ink.shape
    light = np.empty((height, width, 3), np.float32)
    light[:] = _unlike_grey(rng, np.exp(rng.uniform(np.log(0.01), np.log(0.6))))
    for _ in range(rng.integers(0, 5)):  # whatever is behind
        left, right = sorted(rng.integers(0, width + 1, 2))
        top, bottom = sorted(rng.integers(0, height + 1, 2))
        light[top:bottom, left:right] = _unlike_grey(rng, np.exp(rng.uniform(np.log(0.01), np.log(0.8))))
    for coverage, colour in zip((paper, ink), _colours(rng, is_plate), strict=True):
        light += coverage[..., None] * (colour.astype(np.float32) - light)
    slope = rng.uniform(-0.3, 0.3, 2)
    shade = 1 + slope[0] * np.linspace(-1, 1, height)[:, None] + slope[1] * np.linspace(-1, 1, width)
    shade = shade * np.exp(rng.uniform(np.log(0.2), np.log(1.1)))
    return np.asarray(light * shade.astype(np.float32)[..., None])


def _unlike_grey(rng: np.random.Generator, light: float) -> NDArray[np.float32]:
    """A colour of about that light."""
    return (light * rng.uniform(0.7, 1.3, 3)).astype(np.float32)


def _colours(rng: np.random.Generator, is_plate: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Paper and ink, linear light."""
    if is_plate:
        papers = ((0.8, 0.8, 0.78), (0.85, 0.6, 0.05), (0.75, 0.78, 0.8), (0.6, 0.7, 0.8))
        inks = (*[(0.02, 0.02, 0.02)] * 4, (0.02, 0.03, 0.2), (0.3, 0.02, 0.03))
        return np.array(papers[rng.integers(len(papers))]), np.array(inks[rng.integers(len(inks))])
    while True:
        paper, ink = rng.uniform(0.01, 0.9, (2, 1)) * rng.uniform(0.6, 1.4, (2, 3))
        if abs(paper.mean() - ink.mean()) > 0.2:
            return paper, ink


def _develop(light: NDArray[np.float32], rng: np.random.Generator, view: CameraView) -> Pixels:
    """SRGB with noise, and perhaps a JPEG's traces: uint8 [H, W, 3]."""
    values = _srgb()[np.clip(light * LEVELS, 0, LEVELS).astype(np.int32)]
    if view.noise:
        values += rng.standard_normal(values.shape, np.float32) * view.noise
    pixels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if not view.jpeg:
        return pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=view.jpeg)
    return np.asarray(Image.open(buffer))


@cache
def _srgb() -> NDArray[np.float32]:
    """0..255 for every level of light."""
    light = np.arange(LEVELS + 1) / LEVELS
    return (255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(np.float32)
