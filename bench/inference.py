"""How fast the networks run, and how near to the limit: `python bench/inference.py --json results/inference.json`.

Per network and size: PyTorch (in bf16 too, where the processor has it), ONNX Runtime in float32, and in 8 bits with
ranges from real images (static) or taken anew for every image (dynamic, matrix products alone); for SETR also PyTorch
compiled, where there is a compiler, and OpenMMLab's own, where mmsegmentation is installed (openmmlab.py). Ways take
turns; medians. `times_openmmlab` compares within a run. `of_peak` divides the network's operations a second by those of
a large float32 matrix product in the same run (for fewer bits too, so it may pass 1). `canonical_share` is what the
canonical form of the image takes of the network's time: so much more than plain costs encrypted input, since a SETR for
either is of one shape. `profile` is where ONNX Runtime's time goes, by kind of operator. The ViTs have random weights:
their speed does not depend on them. VEILSEG_CAMVID names the photographs for the ranges; without it, scenes do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import openmmlab
import torch
from torch.utils.flop_counter import FlopCounterMode

from veilseg.benchmarks.speed import medians
from veilseg.ciphers import cipher
from veilseg.ciphers.kernels import engine
from veilseg.data import open_data
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.models import SegmentationModel, create_model, export_onnx, load_model
from veilseg.models.onnx.quantize import quantize
from veilseg.runtime.engines import Engine, OnnxEngine, TorchEngine

SETR = {"num_classes": 19, "backbone": "vit_base_patch16_384"}
MATRIX = 2048
TITLES = {
    "float32": "ONNX Runtime float32",
    "static": "ONNX Runtime static int8",
    "dynamic": "ONNX Runtime dynamic int8",
}
PEER = "OpenMMLab float32"
PAUSE = 0.1  # seconds: idle threads of an engine hold a core for a while


def operations(model: SegmentationModel, images: np.ndarray) -> int:
    """Multiplications and additions of one forward pass."""
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        model(torch.from_numpy(images))
    return int(counter.get_total_flops())


def ways(model: SegmentationModel, folder: Path, threads: int) -> dict[str, Engine]:
    """The model in every engine, by name."""
    camvid = os.environ.get("VEILSEG_CAMVID")
    data = open_data(f"camvid:{camvid}", "train") if camvid else open_data("scenes:32")
    export_onnx(model, folder / "float32", overwrite=True)
    quantize(folder / "float32", folder / "static", data, images=8)
    dynamic(folder / "float32", folder / "dynamic")
    engines: dict[str, Engine] = {"torch float32": TorchEngine(model, threads)}
    for name, title in TITLES.items():
        engines[title] = OnnxEngine(folder / name / "model.onnx", threads)
    return engines


def bfloat16(exact: Engine, images: np.ndarray) -> np.ndarray:
    """One forward pass with matrix products and convolutions in bf16."""
    with torch.autocast("cpu", torch.bfloat16):
        return exact.run(images)


def has_bfloat16() -> bool:
    """Whether the processor multiplies bf16; elsewhere it is emulated and slow."""
    facts = Path("/proc/cpuinfo")
    return facts.exists() and "avx512_bf16" in facts.read_text(encoding="utf-8")


def others(model: SegmentationModel, images: np.ndarray) -> dict[str, Callable[[], object]]:
    """OpenMMLab's network of the same sizes, and ours compiled by PyTorch, by name; what is not here is left out."""
    tensor, side = torch.from_numpy(images), images.shape[-1]
    jobs: dict[str, Callable[[], object]] = {}
    try:
        peer = openmmlab.setr_mla(side)
    except ImportError as error:
        print(f"without OpenMMLab: {error}")
    else:
        jobs[PEER] = torch.inference_mode()(partial(peer.encode_decode, tensor, [{"img_shape": (side, side)}]))
    if shutil.which("g++"):
        jobs["torch compiled"] = torch.inference_mode()(partial(torch.compile(model), tensor))
    else:
        print("without PyTorch's compiler: it needs g++")
    return jobs


def dynamic(source: Path, target: Path) -> None:
    """Matrix products in 8 bits, the activations' ranges taken anew for every image."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target.mkdir()
    shutil.copy(source / "config.json", target)
    quantize_dynamic(
        str(source / "model.onnx"),
        str(target / "model.onnx"),
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def profile(path: Path, images: np.ndarray, threads: int, repeats: int) -> dict[str, float]:
    """The share of the time that each of the five slowest kinds of operators takes, in a session of its own."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    options.enable_profiling, options.profile_file_prefix = True, str(path.with_name("profile"))
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(repeats):
        session.run(None, {"images": images})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    taken: Counter[str] = Counter()
    for event in events:
        if event["name"].endswith("_kernel_time"):
            taken[event["args"]["op_name"]] += event["dur"]
    return {operator: round(each / taken.total(), 3) for operator, each in taken.most_common(5)}


def measure(
    name: str, model: SegmentationModel, side: int, threads: int, repeats: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One row for every way to run `model` on one image of side x side; and where ONNX Runtime's time goes."""
    images = np.random.default_rng(0).integers(0, 256, (1, 3, side, side)).astype(np.float32)
    # Several, because one alone would wait in the processor's cache.
    photographs = cycle(np.random.default_rng(0).integers(0, 256, (16, side, side, 3), np.uint8))
    canonical_form = cipher("subblock-sort").reduce
    canonical_form(np.zeros((1008, 1008, 3), np.uint8))  # enough pixels for numba, which is compiled here
    matrix = np.random.default_rng(0).random((MATRIX, MATRIX), np.float32)
    count = operations(model, images)
    with tempfile.TemporaryDirectory() as scratch:
        engines = ways(model, Path(scratch), threads)
        jobs: dict[str, Callable[[], object]] = {way: partial(engine.run, images) for way, engine in engines.items()}
        if has_bfloat16():
            jobs["torch bfloat16"] = partial(bfloat16, engines["torch float32"], images)
        if hasattr(model.network, "backbone"):
            jobs |= others(model, images)
        jobs["product"] = lambda: matrix @ matrix
        jobs["canonical"] = lambda: canonical_form(next(photographs))
        seconds = medians(jobs, repeats, PAUSE)
        shares = {
            way: profile(Path(scratch) / way / "model.onnx", images, threads, repeats) for way in ("float32", "static")
        }
    peak = 2 * MATRIX**3 / seconds.pop("product")
    canonical = seconds.pop("canonical")
    rows = [
        {
            "network": name,
            "side": side,
            "way": way,
            "seconds": round(taken, 4),
            "times_torch": round(seconds["torch float32"] / taken, 2),
            **({"times_openmmlab": round(seconds[PEER] / taken, 2)} if PEER in seconds else {}),
            "gigaflops": round(count / taken / 1e9, 1),
            "of_peak": round(count / taken / peak, 3),
            "canonical_share": round(canonical / taken, 4),
        }
        for way, taken in seconds.items()
    ]
    parts = [
        {"network": name, "side": side, "way": TITLES[way], "operator": operator, "share": share}
        for way, found in shares.items()
        for operator, share in found.items()
    ]
    return rows, parts


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="small networks and images, to see that it works")
    given = parser.parse_args()
    threads = engine.threads()
    torch.set_num_threads(threads)
    small = {"backbone": "vit_tiny_patch16_224", "depth": 2} if given.tiny else {}
    rows, parts = [], []
    for side in (48,) if given.tiny else (528, 768):  # what cells of 12 and patches of 16 pixels both divide
        setr = create_model("setr-mla", image_size=side, **{**SETR, **small})
        for name, model in (("ConvSeg, the default model", load_model("default")), ("SETR-MLA, ViT-B/16", setr)):
            found, shares = measure(name, model.eval(), side, threads, given.repeats)
            print(*found, *shares, sep="\n")
            rows += found
            if side <= 528:
                parts += shares
    if given.json is not None:
        write_json(given.json, {"threads": threads, "rows": rows, "profile": parts, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
