"""config.json and the rule which images a model takes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from veilseg.modelspec import InputSpec, ModelConfig, default_palette

from veilseg.errors import InvalidImageError, InvalidModelError, UsageError


def header(cipher: str, **fields: object) -> SimpleNamespace:
    defaults = {"block": 16, "sub_block": None, "channels": None, "shuffle": None, "key_fingerprint": None}
    return SimpleNamespace(cipher=cipher, **{**defaults, **fields})


SORTED = header("subblock-sort", sub_block=8, channels="sub-block", shuffle="channel")
SHUFFLED = header("subblock-shuffle", sub_block=8, channels="sub-block", shuffle="channel")
PERMUTED = header("patch-permutation", key_fingerprint="0123456789abcdef")
CANONICAL = InputSpec("subblock-sort", sub_block=8)
LOCKED = InputSpec("patch-permutation", key_fingerprint="0123456789abcdef")
CONFIG = ModelConfig("setr-mla", {"backbone": "vit"}, ("road", "car"), input=CANONICAL, training={"epochs": 3})


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        (InputSpec(), None),
        (CANONICAL, SORTED),
        (CANONICAL, SHUFFLED),
        (InputSpec("subblock-shuffle", sub_block=8), SHUFFLED),
        (InputSpec("mosaic", sub_block=8), header("mosaic", sub_block=8)),
        (InputSpec("subblock-quartiles", sub_block=8), header("subblock-quartiles", sub_block=8)),
        (LOCKED, PERMUTED),
    ],
)
def test_accepts(spec: InputSpec, image: SimpleNamespace | None) -> None:
    spec.accepts(image)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "image", "message"),
    [
        (InputSpec(), SORTED, "takes plain images"),
        (CANONICAL, None, "not plain ones"),
        (LOCKED, None, "not plain ones"),
        (CANONICAL, PERMUTED, "patch-permutation"),
        (InputSpec("subblock-shuffle", sub_block=8), SORTED, "subblock-sort"),
        (InputSpec("subblock-sort", sub_block=4), SORTED, "sub-block 8"),
        (InputSpec("subblock-sort", block=32, sub_block=8), SORTED, "block 16"),
        (InputSpec("subblock-sort", sub_block=8, channels="block"), SORTED, "channels sub-block"),
        (InputSpec("subblock-sort", sub_block=8, shuffle="shared"), SHUFFLED, "shuffle channel"),
        (dataclasses.replace(LOCKED, key_fingerprint="f" * 16), PERMUTED, "key 0123456789abcdef"),
        (dataclasses.replace(LOCKED, cipher="patch-rotation"), PERMUTED, "patch-permutation"),
    ],
)
def test_refuses_with_a_hint(spec: InputSpec, image: SimpleNamespace | None, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message) as caught:
        spec.accepts(image)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize(
    "fields",
    [
        {"cipher": "rot13"},
        {"cipher": "subblock-sort"},
        {"cipher": "subblock-sort", "sub_block": 5},
        {"cipher": "subblock-sort", "sub_block": 8, "channels": "some"},
        {"cipher": "patch-permutation"},
        {"cipher": "plain", "key_fingerprint": "0" * 16},
        {"block": 0},
        {"block": 65},
        {"block": "16"},
    ],
)
def test_impossible_specs(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        InputSpec(**fields)  # type: ignore[arg-type]


def test_json_round_trip() -> None:
    text = CONFIG.to_json()
    assert ModelConfig.from_json(text) == CONFIG
    assert json.loads(text)["id2label"] == {"0": "road", "1": "car"}


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"classes": []},
        {"classes": ["x"] * 256, "palette": []},
        {"classes": "road"},
        {"palette": [[0, 0, 0]]},
        {"palette": [[0, 0, 300], [0, 0, 0]]},
        {"input": {"cipher": "plain", "nonsense": 1}},
        {"input": {"cipher": "rot13"}},
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


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"format": 1}', "null"])
def test_foreign_configs(text: str) -> None:
    with pytest.raises(InvalidModelError):
        ModelConfig.from_json(text)


def test_no_folder(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidModelError, match=r"config\.json"):
        ModelConfig.load(tmp_path)


def test_a_config_of_any_length_is_not_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "config.json").write_text(CONFIG.to_json() + " " * 2_000_000)
    with pytest.raises(InvalidModelError, match=r"no readable config\.json"):
        ModelConfig.load(tmp_path)


def test_palette_colours_differ() -> None:
    assert len(set(default_palette(150))) == 150
    assert len(ModelConfig("convseg", {}, ("a", "b", "c")).palette) == 3


def test_needs_no_torch() -> None:
    code = "import sys, veilseg.modelspec; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
