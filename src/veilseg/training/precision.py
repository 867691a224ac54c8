"""The numbers that a run computes with: bfloat16 only where the machine has it."""

from __future__ import annotations

import torch

from veilseg.training.recipe import MachineSection


def precision(machine: MachineSection) -> str:
    """Lightning's name for what a recipe asks for; "auto" is settled here, by what the device multiplies itself.

    Mixed bfloat16 takes half the time on GPUs and on processors with AVX512-BF16 or AMX, and many times as long on
    processors that must imitate it.
    """
    if machine.precision != "auto":
        return machine.precision
    if machine.accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available():
        has = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if has else "32-true"
