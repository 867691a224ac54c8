"""The audit's two files: the page for people and the figures for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from veilseg.audit.base import Pixels
from veilseg.audit.report.json_report import to_dict
from veilseg.audit.report.page import build_page
from veilseg.audit.run import CipherResult
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.files import make_folder, write_atomic

PAGE_NAME = "index.html"
JSON_NAME = "audit.json"


def write_audit(
    results: Sequence[CipherResult], references: Sequence[Pixels], folder: Path, seed: int, *, overwrite: bool = False
) -> Path:
    """Writes `folder`/index.html and audit.json; returns the page's path.

    The page shows the audited images as they are: it is as private as they are.
    """
    facts = provenance(seed=seed)
    make_folder(folder)
    write_json(folder / JSON_NAME, {**facts, **to_dict(results, references)}, overwrite=overwrite)
    write_atomic(folder / PAGE_NAME, build_page(results, facts).encode(), overwrite=overwrite)
    return folder / PAGE_NAME
