"""The demo with tiny models, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny_onnx import CANONICAL, split_stem, tiny_model
from tests.web.conftest import browser
from veilseg.demo.measurements import Demo, run_demo
from veilseg.demo.page import write_demo

__all__ = ["browser"]


@pytest.fixture(scope="package")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("models")
    plain = tiny_model(root / "plain")
    split_stem(plain)
    return {"default": tiny_model(root / "default", CANONICAL), "plain": plain}


@pytest.fixture(scope="package")
def demo(models: dict[str, Any]) -> Demo:
    return run_demo(2, 5, **models)


@pytest.fixture(scope="package")
def page(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(demo, tmp_path_factory.mktemp("out") / "demo", command="veilseg demo")
