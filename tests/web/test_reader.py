"""Two readers of one format, Python's and the page's in Node: whatever becomes of a file, they agree on it."""

from __future__ import annotations

import base64
import hashlib
import json
import random

from tests.web.mutations import mutated, samples
from tests.web.node import run_node
from veilseg import container
from veilseg.errors import InvalidImageError

COUNT = 1500


def read(file: bytes) -> dict[str, str] | None:
    """What reader.mjs prints, by Python."""
    try:
        pixels, header = container.decode(file)
    except InvalidImageError:
        return None
    values = pixels.astype(">u2") if pixels.itemsize == 2 else pixels
    return {"text": header.to_json(), "digest": hashlib.sha256(values.tobytes()).hexdigest()}


def test_they_agree() -> None:
    rng, whole = random.Random(0), samples()
    files = [*whole, *(mutated(rng.choice(whole), rng) for _ in range(COUNT))]
    theirs = run_node("reader.mjs", given=json.dumps([base64.b64encode(file).decode() for file in files]))
    ours = [read(file) for file in files]
    assert [index for index, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other] == []
    assert None not in ours[: len(whole)]
    taken = sum(found is not None for found in ours[len(whole) :])
    assert COUNT / 10 < taken < COUNT / 2  # what was changed is not all refused, nor mostly taken
