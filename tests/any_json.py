"""JSON of every kind, and JSON with some of its parts replaced by it: what strangers write."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, part in inner for place in _places(part, (*at, key)))]


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """The JSON in `text` with one to three of its parts replaced."""
    whole = {"": json.loads(text)}
    for _ in range(draw(st.integers(1, 3))):
        at: Any = whole
        *way, last = draw(st.sampled_from([place for place in _places(whole) if place]))
        for step in way:
            at = at[step]
        at[last] = draw(ANY)
    return json.dumps(whole[""])
