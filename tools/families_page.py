"""Fill the table of families in docs/model-encryption.md: each, small and with random weights, encrypted here and now.

Usage: python tools/families_page.py
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.models import families  # noqa: E402
from tests.models.test_stems import overlapping  # noqa: E402
from tests.models.test_verify import clip  # noqa: E402

from veilseg.errors import VeilsegError  # noqa: E402
from veilseg.keys import Key  # noqa: E402
from veilseg.modelfolder import open_folder  # noqa: E402
from veilseg.models import encrypt_model, verify_encryption  # noqa: E402
from veilseg.models.encryption.foreign import encrypt_folder  # noqa: E402
from veilseg.models.encryption.stems import find_patchify  # noqa: E402

PAGE = ROOT / "docs" / "model-encryption.md"
MARKER = re.compile(r"(<!-- families -->\n).*?(<!-- end -->)", re.DOTALL)
KEY = Key(bytes(range(32)))
HALF = (0.5, 0.5, 0.5)


def main() -> None:
    """Rewrite the table."""
    rows = [row(f"timm {name}", timm.create_model(kind, **options)) for name, (kind, options) in TIMM.items()]
    rows += [row(f"transformers {name}", make()) for name, make in TRANSFORMERS.items()]
    head = ["| family | stem | in memory, off by | saved and loaded by its library, off by |", "|---|---|---|---|"]
    text = PAGE.read_text(encoding="utf-8")
    table = "\n".join([*head, *rows]) + "\n"
    PAGE.write_text(MARKER.sub(lambda found: found[1] + table + found[2], text), encoding="utf-8")


CLIP = ("vit_base_patch16_clip_224", {"embed_dim": 24, "depth": 2, "num_heads": 2, "img_size": 64, "num_classes": 5})
TIMM: dict[str, tuple[str, dict[str, Any]]] = {**families.timm_models(), "clip": CLIP}
TRANSFORMERS: dict[str, Any] = {
    **families.TRANSFORMERS,
    "clip": lambda: clip("clip"),
    "clipseg": lambda: clip("clipseg"),
    **overlapping(),
}


def row(name: str, fresh: nn.Module) -> str:
    """One line of the table."""
    torch.manual_seed(0)
    model = families.wake(fresh)
    try:
        side, bias = find_patchify(model).kernel_size[0], find_patchify(model).bias is not None
        proof = verify_encryption(model, encrypt_model(model, KEY, mean=HALF, std=HALF), KEY, mean=HALF, std=HALF)
    except VeilsegError as error:
        return f"| {name} | | refused: the stem {error.message.rpartition(') ')[2].partition(',')[0]} | |"
    with tempfile.TemporaryDirectory() as folder:
        saved = save(model, Path(folder))
    return f"| {name} | {side}{'' if bias else ', no bias'} | {proof.right:.0e} | {saved} |"


def save(model: Any, folder: Path) -> str:
    """How far the folder's model is off, or why there is none."""
    source = folder / "source"
    if hasattr(model, "save_pretrained"):
        import transformers

        model.save_pretrained(source)
        transformers.ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(source)
    else:
        options = next(options for kind, options in TIMM.values() if kind == model.default_cfg["architecture"])
        timm.models.save_for_hf(model, str(source), safe_serialization=True, model_args=options)
    try:
        _, proof = encrypt_folder(open_folder(source), KEY, folder / "encrypted", "patch-permutation")
    except VeilsegError as error:
        return f"refused: {error.message}"
    return f"{proof.right:.0e}"


if __name__ == "__main__":
    main()
