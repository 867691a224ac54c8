"""How often ciphertext-only takes a patch permutation, over draws.

Usage: python tools/permutation_draws.py
Every draw is some photographs of CamVid's train part (./camvid, a link will do) and a key. For every number of images:
the share of draws after which at least 99 % of the entries are right, with and without public photographs that name the
channels, and with the names forgotten. Writes results/audit-permutation-draws.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from veilseg import cipher
from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.moments import moments
from veilseg.audit.attacks.permutation_matching import match_permutation, name_permutation
from veilseg.audit.samples import open_references
from veilseg.audit.scoring import NEAR, score_order
from veilseg.audit.victim import Victim
from veilseg.data import open_data
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

DRAWS = 20
IMAGES = (4, 10, 20)
BLOCK = 16
TARGET = Path(__file__).parents[1] / "results" / "audit-permutation-draws.json"


def main() -> None:
    """Draw, attack, score, write."""
    data, references = open_data("camvid:camvid", "train"), open_references(None)
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for count in IMAGES:
        found = []
        for draw in range(DRAWS):
            victim = Victim(cipher("patch-permutation", BLOCK), draw)
            chosen = rng.choice(len(data), count, replace=False).tolist()
            seen = moments([block_grid(victim.encrypt(data[i].image), BLOCK) for i in chosen], scale=True)
            order, _ = match_permutation(seen, BLOCK)
            truth = victim.cipher.block_order(victim.key)
            named, blind = (
                score_order(name_permutation(seen, order, BLOCK, known), truth) for known in (references, ())
            )
            found.append((named["entries_right"], blind["entries_right"], named["entries_right_but_for_channel_names"]))
        shares = (np.array(found) >= NEAR).mean(axis=0).tolist()
        titles = ("taken", "taken_without_public_photographs", "taken_but_for_channel_names")
        rows.append({"images": count, "draws": DRAWS, **dict(zip(titles, shares, strict=True))})
        print(rows[-1], flush=True)
    write_json(TARGET, {"rows": rows, **provenance(seed=0)}, overwrite=True)


if __name__ == "__main__":
    main()
