"""`veilseg data`: look at a dataset, make one of photographs with masks, or write one for other tools.

Examples:
  veilseg data check data/mine -o check.html
  veilseg data import masks:masks/ --images photos/ --classes colours.csv -o data/mine
  veilseg data export data/mine --split train -o train.json
"""

from __future__ import annotations

from veilseg.cli import data_check, data_export, data_import

command = {"check": data_check.command, "import": data_import.command, "export": data_export.command}
