"""Fill the table of families in docs/model-encryption.md: each, small and with random weights, encrypted here and now.

Usage: python tools/families_page.py

Writes results/families.json too. Minutes of two cores.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from results_page import put  # noqa: E402
from tests.models import families  # noqa: E402
from tests.models.test_other_stems import OTHERS  # noqa: E402
from tests.models.test_stems import overlapping  # noqa: E402
from tests.models.test_verify import clip  # noqa: E402

from veilseg.ciphers import cipher  # noqa: E402
from veilseg.data import open_data  # noqa: E402
from veilseg.errors import VeilsegError  # noqa: E402
from veilseg.evaluation.provenance import provenance  # noqa: E402
from veilseg.evaluation.report import write_json  # noqa: E402
from veilseg.keys import Key  # noqa: E402
from veilseg.modelconfig import ONNX_NAME, ModelConfig  # noqa: E402
from veilseg.modelfolder import open_folder  # noqa: E402
from veilseg.models import encrypt_model, export_onnx, load_model, verify_encryption  # noqa: E402
from veilseg.models.encryption.foreign import encrypt_folder  # noqa: E402
from veilseg.models.encryption.onnx_stem import encrypt_onnx  # noqa: E402
from veilseg.models.encryption.stems import find_stem, patch_of  # noqa: E402
from veilseg.models.encryption.trial import distance, random_photo  # noqa: E402
from veilseg.models.onnx.quantize import quantize  # noqa: E402
from veilseg.models.onnx_session import open_onnx  # noqa: E402

PAGE = ROOT / "docs" / "model-encryption.md"
KEY = Key(bytes(range(32)))
HALF = (0.5, 0.5, 0.5)


COLUMNS = [
    "family",
    "stem",
    "in memory, off by",
    "saved and loaded by its library, off by",
    "ONNX, encrypted there, off by",
    "int8, same class",
]


def main() -> None:
    """Measure all, write the figures and the table."""
    facts = provenance("python tools/families_page.py", 0)
    rows = {}
    for name, make in networks().items():
        rows[name] = row(make())
        print(name, *rows[name], sep=" | ", flush=True)
    write_json(ROOT / "results" / "families.json", {**facts, "columns": COLUMNS, "rows": rows}, overwrite=True)
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join([name, *cells])} |" for name, cells in rows.items()]
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "families", lines), encoding="utf-8")


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Functions that make each family's network, by name."""
    timms = {f"timm {name}": partial(timm.create_model, kind, **options) for name, (kind, options) in TIMM.items()}
    return {**timms, **{f"transformers {name}": make for name, make in TRANSFORMERS.items()}}


CLIP = ("vit_base_patch16_clip_224", {"embed_dim": 24, "depth": 2, "num_heads": 2, "img_size": 64, "num_classes": 5})
NAFLEX = (
    "naflexvit_base_patch16_gap",
    {"embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 5, "embed_proj_type": "linear"},
)
TIMM: dict[str, tuple[str, dict[str, Any]]] = {**families.timm_models(), "clip": CLIP, "naflex": NAFLEX}
TRANSFORMERS: dict[str, Any] = {
    **families.TRANSFORMERS,
    "clip": lambda: clip("clip"),
    "clipseg": lambda: clip("clipseg"),
    **{name: make for name, make in OTHERS.items() if name != "naflex"},
    **overlapping(),
}


def row(fresh: nn.Module) -> list[str]:
    """The columns after the family's name."""
    torch.manual_seed(0)
    model = families.wake(fresh)
    try:
        stem = find_stem(model)
        proof = verify_encryption(model, encrypt_model(model, KEY, mean=HALF, std=HALF), KEY, mean=HALF, std=HALF)
    except VeilsegError as error:
        return ["", f"refused: the stem {error.message.rpartition(') ')[2].partition(',')[0]}", "", "", ""]
    frames, rows, columns = patch_of(stem)
    size = f"{rows}" if rows == columns else f"{rows} x {columns}"
    kind = f"Linear, {size}" if isinstance(stem, nn.Linear) else f"{frames} x {size}" if frames > 1 else size
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        save(model, source)
        saved, exported = encrypted(source), export(source)
    return [kind + ("" if stem.bias is not None else ", no bias"), f"{proof.right:.0e}", saved, *exported]


def save(model: Any, source: Path) -> None:
    """As its library does."""
    if hasattr(model, "save_pretrained"):
        import transformers

        model.save_pretrained(source)
        transformers.ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(source)
    else:
        options = next(options for kind, options in TIMM.values() if kind == model.default_cfg["architecture"])
        timm.models.save_for_hf(model, str(source), safe_serialization=True, model_args=options)


def encrypted(source: Path) -> str:
    """How far the encrypted folder's model is off, or why there is none."""
    try:
        _, proof = encrypt_folder(open_folder(source), KEY, source.with_name("encrypted"), "patch-permutation")
    except VeilsegError as error:
        return f"refused: {error.message}"
    return f"{proof.right:.0e}"


def export(source: Path) -> tuple[str, str]:
    """Two columns: exported plain and then encrypted without torch, against the plain network; and the same in int8.

    A stem that is no square convolution has no stem.bin: then the plain export alone is compared, and its int8.
    """
    files, int8, locked = (source.with_name(name) for name in ("onnx", "int8", "locked"))
    try:
        model = load_model(source)
        split = isinstance(find_stem(model), nn.Conv2d)
        block = model.config.size_multiple
        export_onnx(model, files, split_stem=block if split else None)
        config = ModelConfig.load(files)
        photo = random_photo(*config.arguments.get("size", (4 * block, 6 * block)))
        with torch.no_grad():
            wanted = model(batch(photo)).numpy()
        given = cipher("patch-permutation", block).encrypt_pixels(photo, KEY, None)
        if split:
            encrypt_onnx(files, KEY, locked)
        off = distance(
            [open_onnx((locked if split else files) / ONNX_NAME)(batch(given if split else photo).numpy())], [wanted]
        )
    except VeilsegError as error:
        return f"refused: {error.message.removeprefix('this network cannot be exported to ONNX: ')}", ""
    size = "one size" if "size" in config.arguments else "any size"
    told = f"{off:.0e}, {size}" + ("" if split else ", plain only")
    try:
        same = quantize(files, int8, open_data("scenes:4:1"), images=4)
    except VeilsegError as error:
        return told, f"refused: {error.message}"
    return told, f"{same:.1%}"


def batch(image: np.ndarray) -> torch.Tensor:
    """[H, W, 3] as [1, 3, H, W]."""
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]


if __name__ == "__main__":
    main()
