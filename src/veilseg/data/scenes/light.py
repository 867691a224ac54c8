"""The light of a scene: how bright surfaces are by the way they face, and haze that grows with distance."""

from __future__ import annotations

import math
import random

Colour = tuple[int, int, int]


class Light:
    """One kind of weather. `gain` darkens everything but the sky, as a camera does that exposes for a bright sky."""

    def __init__(self, rng: random.Random) -> None:
        self.weather = rng.choices(("clear", "cloudy", "overcast", "white", "dusk"), (22, 26, 18, 22, 12))[0]
        self.sun = {"clear": rng.uniform(0.3, 0.9), "cloudy": rng.uniform(0.0, 0.6)}.get(self.weather, 0.0)
        if self.weather == "white":
            self.sun = rng.choice((0.0, rng.uniform(0.2, 0.7)))
        self.side = rng.choice((-1, 1))
        self.gain = rng.uniform(0.55, 1.15)
        if rng.random() < 0.25:
            self.gain *= 0.65
        if self.weather == "dusk":
            self.gain = rng.uniform(0.27, 0.55)
        grey = {"clear": 215, "cloudy": 215, "overcast": 205, "white": 240, "dusk": 110}[self.weather]
        cast = rng.uniform(-8, 8)
        self.haze = (grey - cast, float(grey), grey + 6 + cast)
        self.reach = rng.choice((rng.uniform(90, 200), rng.uniform(200, 900)))
        warm = rng.uniform(-0.06, 0.06)
        self.tint = (1 + warm, 1.0, 1 - warm)

    def facing(self, side: int) -> float:
        """Brightness of a wall that stands on this side of the road (-1 left, 1 right)."""
        return 1.0 + 0.5 * self.sun if side == -self.side else 1.0 - 0.35 * self.sun

    def shade(self, colour: Colour, depth: float = 0.0, factor: float = 1.0) -> Colour:
        """The colour of a surface at this depth in metres, as three integers 0..255."""
        clear = math.exp(-max(depth, 0.0) / self.reach)
        strength, far = self.gain * factor * clear, 1 - clear
        r = int(colour[0] * self.tint[0] * strength + self.haze[0] * far)
        g = int(colour[1] * self.tint[1] * strength + self.haze[1] * far)
        b = int(colour[2] * self.tint[2] * strength + self.haze[2] * far)
        return r if r < 255 else 255, g if g < 255 else 255, b if b < 255 else 255


def vary(rng: random.Random, colour: Colour, amount: float = 12) -> Colour:
    """A colour near this one: lighter or darker as a whole, with a little noise in each channel."""
    shift, part = rng.gauss(0, amount), 0.6 * amount
    r, g, b = (min(255, max(0, int(value + shift + rng.uniform(-part, part)))) for value in colour)
    return r, g, b
