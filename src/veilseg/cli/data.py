"""`veilseg data`: look at a dataset, or make one of photographs with masks.

Examples:
  veilseg data check data/mine -o check.html
  veilseg data import masks:masks/ --images photos/ --classes colours.csv -o data/mine
"""

from __future__ import annotations

from veilseg.cli import data_check, data_import

command = {"check": data_check.command, "import": data_import.command}
