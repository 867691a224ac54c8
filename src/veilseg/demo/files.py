"""The demo's files: the page for people and the figures for machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veilseg.demo.page import build_page
from veilseg.demo.run import Demo
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.files import make_folder, write_atomic

PAGE_NAME = "index.html"
JSON_NAME = "results.json"


def write_demo(demo: Demo, folder: Path, command: str | None = None) -> Path:
    """Writes `folder`/index.html and results.json, replacing those of an earlier demo; returns the page's path."""
    facts = provenance(command, seed=demo.seed)
    make_folder(folder)
    page = folder / PAGE_NAME
    write_atomic(page, build_page(demo, facts).encode(), overwrite=True)
    write_json(folder / JSON_NAME, {**facts, **_figures(demo)})
    return page


def _figures(demo: Demo) -> dict[str, Any]:
    return {
        "rows": {short: {"name": row.name, **row.result.to_dict()} for short, row in demo.rows.items()},
        "same_pixels": {
            "independent keys and sorted": demo.agreement("independent", "sorted"),
            "correct key and plain": demo.agreement("correct", "plain"),
        },
    }
