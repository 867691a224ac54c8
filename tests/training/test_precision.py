"""bfloat16 is taken where the device multiplies it, and only where a recipe leaves it to the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from veilseg.training.precision import precision
from veilseg.training.recipe import MachineSection


@pytest.mark.parametrize("has", [True, False])
def test_auto_is_what_the_processor_has(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for flag in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, flag, lambda: has)
    assert precision(MachineSection(precision="auto", accelerator="cpu")) == ("bf16-mixed" if has else "32-true")
    assert precision(MachineSection(precision="16-mixed")) == "16-mixed"


def test_the_processor_is_asked() -> None:
    facts = Path("/proc/cpuinfo")
    flags = set(facts.read_text().split()) if facts.is_file() else set()
    assert (precision(MachineSection(precision="auto", accelerator="cpu")) == "bf16-mixed") == bool(
        flags & {"avx512_bf16", "amx_tile"}
    )
