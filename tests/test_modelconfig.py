"""config.json: what is written is read, and nothing else is."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from tests.any_json import spoilt
from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import ModelConfig, default_palette
from veilseg.modelfolder import open_folder
from veilseg.spec import CipherSpec

CANONICAL = InputSpec(CipherSpec("subblock-sort", 16, 8))
CONFIG = ModelConfig("setr-mla", {"backbone": "vit"}, ("road", "car"), input=CANONICAL, training={"epochs": 3})


def test_json_round_trip() -> None:
    text = CONFIG.to_json()
    assert ModelConfig.from_json(text) == CONFIG
    assert json.loads(text)["id2label"] == {"0": "road", "1": "car"}


@pytest.mark.parametrize(
    "change",
    [
        {"format": 1},
        {"classes": []},
        {"classes": ["x"] * 256, "palette": []},
        {"classes": "road"},
        {"palette": [[0, 0, 0]]},
        {"palette": [[0, 0, 300], [0, 0, 0]]},
        {"palette": [[0, 0, 12.7], [0, 0, 0]]},
        {"palette": [[0, 0, True], [0, 0, 0]]},
        {"palette": ["123", "456"]},
        {"classes": ["road", 2]},
        {"classes": ["road", "\x1b[31mcar"]},
        {"input": {"cipher": "plain", "nonsense": 1}},
        {"input": {"cipher": "rot13"}},
        {"input": {"cipher": "subblock-sort", "block": 16}},
        {"input": {"cipher": "subblock-sort", "block": "16", "sub_block": 8}},
        {"input": None},
        {"surprise": 1},
        {"arguments": []},
        {"size_multiple": 0},
        {"training": "long"},
    ],
)
def test_bad_configs(change: dict[str, object]) -> None:
    with pytest.raises(InvalidModelError):
        ModelConfig.from_json(json.dumps({**json.loads(CONFIG.to_json()), **change}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"format": 2}', "null", "[" * 100_000])
def test_foreign_configs(text: str) -> None:
    with pytest.raises(InvalidModelError):
        ModelConfig.from_json(text)


def test_no_folder(tmp_path) -> None:
    with pytest.raises(InvalidModelError, match=r"config\.json"):
        ModelConfig.load(tmp_path)


def test_a_config_of_any_length_is_not_read(tmp_path) -> None:
    (tmp_path / "config.json").write_text(CONFIG.to_json() + " " * (16 << 20))
    with pytest.raises(InvalidModelError, match=r"no readable config\.json"):
        ModelConfig.load(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(InvalidModelError, match=r"config\.json is no file"):
        ModelConfig.load(tmp_path)


def test_palette_colours_differ() -> None:
    assert len(set(default_palette(150))) == 150
    assert len(ModelConfig("convseg", {}, ("a", "b", "c")).palette) == 3


OTHERS = {
    "model_type": "segformer",
    "veilseg": {"cipher": "mosaic", "block": 16, "sub_block": 8},
    "id2label": {"0": "a"},
}


@given(spoilt(CONFIG.to_json()) | spoilt(json.dumps(OTHERS)))
def test_any_json_is_a_config_or_an_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(text)
        with contextlib.suppress(InvalidModelError):
            open_folder(folder)
