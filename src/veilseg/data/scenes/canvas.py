"""The sheet that scenes are painted on, back to front: colours and labels in step, at twice the final size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from veilseg.data.scenes.camera import Pixel
from veilseg.data.scenes.light import Colour

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(11)
SCALE = 2
"""Oversampling: colours are averaged down, labels are picked from the middle."""


@dataclass
class Plate:
    """A number plate on the canvas; `box` is that of its text in canvas pixels (left, top, right, bottom)."""

    text: str
    box: tuple[float, float, float, float]
    visible: bool = True


class Canvas:
    """Polygons with a label are painted in both sheets; without one only in colour (a window keeps its building)."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.image = Image.new("RGB", (width, height))
        self.label = Image.new("L", (width, height), SKY)
        # Two pens on one sheet: blending is slower, so only what is translucent pays for it.
        self.colours = ImageDraw.Draw(self.image)
        self.glaze = ImageDraw.Draw(self.image, "RGBA")
        self.labels = ImageDraw.Draw(self.label)
        self.plates: list[Plate] = []

    def outside(self, points: Sequence[Pixel]) -> bool:
        """Whether nothing of the polygon can be seen."""
        if len(points) < 3:
            return True
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return max(xs) < 0 or min(xs) >= self.width or max(ys) < 0 or min(ys) >= self.height

    def polygon(self, points: Sequence[Pixel], colour: Colour, label: int | None = None, alpha: int = 255) -> None:
        """Fill a polygon; where a class is given, also in the label map."""
        if self.outside(points):
            return
        if alpha < 255:
            self.glaze.polygon(points, fill=(*colour, alpha))
        else:
            self.colours.polygon(points, fill=colour)
        if label is not None:
            self.labels.polygon(points, fill=label)
            self._cover(points)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, label: int | None = None, alpha: int = 255
    ) -> None:
        """Likewise an ellipse with its middle at (x, y)."""
        box = (x - rx, y - ry, x + rx, y + ry)
        if box[2] < 0 or box[0] >= self.width or box[3] < 0 or box[1] >= self.height:
            return
        if alpha < 255:
            self.glaze.ellipse(box, fill=(*colour, alpha))
        else:
            self.colours.ellipse(box, fill=colour)
        if label is not None:
            self.labels.ellipse(box, fill=label)
            self._cover(((box[0], box[1]), (box[2], box[3])))

    def line(
        self, points: Sequence[Pixel], width: float, colour: Colour, label: int | None = None, label_width: float = 0
    ) -> None:
        """A stroke; `label_width` makes the label wider than the stroke, as annotators draw thin things."""
        self.colours.line(points, fill=colour, width=max(1, round(width)))
        if label is not None:
            self.labels.line(points, fill=label, width=max(1, round(max(width, label_width))))
            self._cover(points)

    def stencil(
        self, inks: Sequence[tuple[Colour, Image.Image]], solid: Image.Image, corner: tuple[int, int], label: int
    ) -> None:
        """Colours through masks (mode L), one after the other; `solid` (mode L) says what of it is labelled."""
        box = (*corner, corner[0] + solid.width, corner[1] + solid.height)
        for colour, mask in inks:
            self.image.paste(colour, box, mask)
        self.label.paste(label, box, solid)
        self._cover((corner, (box[2], box[3])))

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The image, averaged down to uint8 [H, W, 3], and the label uint8 [H, W]."""
        label = np.ascontiguousarray(np.asarray(self.label)[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE])
        return np.asarray(self.image.reduce(SCALE)), label

    def _cover(self, points: Sequence[Pixel]) -> None:
        """Whatever is painted over a plate hides it; bounding boxes are enough to be on the safe side."""
        for plate in self.plates:
            if plate.visible:
                left, top, right, bottom = plate.box
                xs, ys = [p[0] for p in points], [p[1] for p in points]
                if max(xs) >= left and min(xs) <= right and max(ys) >= top and min(ys) <= bottom:
                    plate.visible = False
