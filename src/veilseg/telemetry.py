"""Dependencies that report their use to their makers: switched off, in every process that imports veilseg."""

from __future__ import annotations

import os
import sys

#: Read by each library when it is imported: ONNX Runtime, Hugging Face (hub and what uses it), Ray, and a common one.
_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
}


def switch_off() -> None:
    """Set what the libraries read, whatever it was; processes that this one starts inherit it.

    ONNX Runtime, where somebody imported it before, has begun: its further events are switched off, its files stay.
    [docs/privacy.md](../../docs/privacy.md) lists the libraries and what they would send.
    """
    os.environ.update(_OFF)
    begun = sys.modules.get("onnxruntime")
    if begun is not None:
        begun.disable_telemetry_events()
