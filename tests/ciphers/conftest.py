"""Properties run without a deadline: the first example loads the kernels, and a busy machine is no error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from veilseg.ciphers.kernels import engine

settings.register_profile("ciphers", deadline=None, max_examples=40)
settings.load_profile("ciphers")


@pytest.fixture(scope="package", autouse=True)
def _kernels_at_once() -> Iterator[None]:
    """The images here are small, and it is the kernels that are compared with the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "WORTH_NUMBA", 0)
        yield
