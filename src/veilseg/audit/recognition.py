"""Machines that recognise: number plates, other text and faces, in plain, encrypted and attacked pictures alike.

Text is read by RapidOCR, whose networks come in its wheel; faces are found by OpenCV's frontal cascade, which comes in
OpenCV's. Both were made for clear pictures: what reads encrypted ones is in readers/. What a learned attack makes up
looks plausible; only reading it against the truth shows what it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from veilseg.audit.base import Pixels
from veilseg.audit.lines import Line, line_between, plate_in_box
from veilseg.data.base import Box, Plate
from veilseg.errors import VeilsegError

PLATE_MARGIN = 4
PLATE_ZOOM = 4
LEAST_SCORE = 0.5
"""The reader's own confidence below which what it read does not count."""
CAPITAL = 0.74
"""The height of a capital in that of the box that RapidOCR draws around a line."""
SAME_FACE = 0.3
"""Intersection over union from which two boxes are one face."""


@dataclass(frozen=True)
class Recognised:
    """What was read and found in a set of pictures; rates are shares of what the plain pictures hold, None without any.

    Attributes:
        plate_characters: share of the characters of the known plates that were read right (1 - edit distance / length,
            at least 0, the plate's place given to the reader).
        plates: share of them read whole.
        words: share of the words read in the plain pictures that were read here too.
        faces: share of the faces found in the plain pictures that were found here.
    """

    plate_characters: float | None
    plates: float | None
    words: float | None
    faces: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Rounded, for JSON."""
        return {name: None if value is None else round(value, 4) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Content:
    """What one plain picture holds: known plates (text and box), words that a machine reads, boxes of faces, and lines.

    The lines are the plates', or those of the words.
    """

    plates: tuple[Plate, ...]
    words: tuple[str, ...] = ()
    faces: tuple[Box, ...] = ()
    lines: tuple[Line, ...] = ()


def content(image: Pixels, plates: tuple[Plate, ...] = (), *, text: bool = True) -> Content:
    """What the readers find in the plain picture `image`, uint8 [H, W, 3].

    text=False leaves words out: they cost seconds a picture.
    """
    found = find_writing(image) if text else []
    lines = [plate_in_box(said, box) for said, box in plates] if plates else [line for _, line in found]
    words = [said for said, _ in found]
    return Content(plates, _words(words), find_faces(image), tuple(line for line in lines if line))


def recognise(pictures: Sequence[Pixels], truth: Sequence[Content]) -> Recognised:
    """Read `pictures` (uint8 [H, W, 3]) for what `truth`, in the same order, says that they hold."""
    characters: list[float] = []
    words: list[bool] = []
    faces: list[bool] = []
    for picture, known in zip(pictures, truth, strict=True):
        characters += [character_accuracy(read_plate(picture, box), text) for text, box in known.plates]
        if known.words:
            left = list(read_words(picture))
            for word in known.words:
                words.append(word in left)
                if words[-1]:
                    left.remove(word)
        if known.faces:
            found = find_faces(picture)
            faces += [any(overlap(face, other) >= SAME_FACE for other in found) for face in known.faces]
    return Recognised(_share(characters), _share([value == 1 for value in characters]), _share(words), _share(faces))


def read_plate(picture: Pixels, box: Box) -> str:
    """The text that the reader sees where a plate is known to be: the hardest case for the defender."""
    left, top, right, bottom = box
    height, width = picture.shape[:2]
    rows = slice(max(0, top - PLATE_MARGIN), min(height, bottom + PLATE_MARGIN))
    columns = slice(max(0, left - PLATE_MARGIN), min(width, right + PLATE_MARGIN))
    crop = Image.fromarray(np.ascontiguousarray(picture[rows, columns]))
    large = crop.resize((crop.width * PLATE_ZOOM, crop.height * PLATE_ZOOM), Image.Resampling.BICUBIC)
    lines, _ = _reader()(np.asarray(large)[:, :, ::-1], use_det=False, use_cls=False, use_rec=True)
    return lines[0][0] if lines else ""


def read_words(picture: Pixels) -> tuple[str, ...]:
    """Every word of two or more characters that is read anywhere in uint8 [H, W, 3], in capitals."""
    return _words([text for text, _ in find_writing(picture)])


def find_writing(picture: Pixels) -> list[tuple[str, Line | None]]:
    """Every line that is read anywhere in uint8 [H, W, 3], and where its characters are; they count as equally wide."""
    found, _ = _reader()(np.ascontiguousarray(picture[:, :, ::-1]))
    lines = []
    for corners, text, score in found or []:
        if float(score) >= LEAST_SCORE:
            top_left, top_right, bottom_right, bottom_left = np.asarray(corners, float)
            start, end = (top_left + bottom_left) / 2, (top_right + bottom_right) / 2
            high = float(np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)) / 2
            lines.append((text, line_between(text, tuple(start), tuple(end), CAPITAL * high)))
    return lines


def find_faces(picture: Pixels) -> tuple[Box, ...]:
    """Boxes of the frontal faces in uint8 [H, W, 3]."""
    cv2 = _opencv()
    found = _cascade().detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 1.1, 5, minSize=(20, 20))
    return tuple((int(x), int(y), int(x + w), int(y + h)) for x, y, w, h in found)


def character_accuracy(read: str, text: str) -> float:
    """1 - edit distance / length of `text`, at least 0; spaces, dots and dashes do not count."""
    first, second = ("".join(character for character in word.upper() if character.isalnum()) for word in (read, text))
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return max(0.0, 1 - row[-1] / max(1, len(second)))


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    common = max(0, wide) * max(0, high)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return common / (areas - common) if common else 0.0


def _words(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.upper().split() if len(word) > 1)


def _share(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _opencv() -> Any:
    """OpenCV, whose wheel needs two libraries of the system that servers often lack."""
    try:
        import cv2
    except ModuleNotFoundError:
        raise  # the command line says which extra it comes with
    except ImportError as error:
        hint = "install libgl1 and libglib2.0-0 (Debian's names), or leave reading out: --no-recognition"
        raise VeilsegError(f"OpenCV cannot be loaded: {error}", hint) from error
    return cv2


@cache
def _reader() -> Any:
    _opencv()  # which RapidOCR imports, too
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR()


@cache
def _cascade() -> Any:
    cv2 = _opencv()
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
