"""How fast the rows of an experiment were trained, by their logs: steps a second, and the time between the steps.

Usage, after tools/experiment.py: python tools/experiment_speed.py results/experiment-gpu.json
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import median

from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

ROOT = Path(__file__).parents[1]


def speeds(log: Path) -> dict[str, float]:
    """The medians of what a run logged; empty for one that ended before it logged anything."""
    with log.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("steps_per_second")]
    return {
        name: round(median(float(row[name]) for row in rows), 3) for name in ("steps_per_second", "waiting") if rows
    }


def main() -> None:
    """Write what the logs in runs/rows/ say."""
    logs = sorted((ROOT / "runs" / "rows").glob("*/log/version_0/metrics.csv"))
    found = {log.parents[2].name: speeds(log) for log in logs}
    write_json(
        Path(sys.argv[1]), {"rows": {name: row for name, row in found.items() if row}, **provenance()}, overwrite=True
    )


if __name__ == "__main__":
    main()
