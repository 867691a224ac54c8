"""How many encrypted photographs are found again among others, for ciphers and cells.

Usage: `python bench/lookup.py DATA --json results/lookup.json`; DATA as for `veilseg evaluate`, at least 100 images.
Every photograph is encrypted; the candidates are all photographs of the dataset, changed as audit/candidates.py says.
With noise before encryption too, the one defence that costs the owner nothing but accuracy.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.audit.attacks.lookup import Lookup
from veilseg.audit.base import Evidence
from veilseg.audit.candidates import candidates
from veilseg.audit.samples import AuditSample, open_samples
from veilseg.audit.victim import Victim
from veilseg.ciphers import Cipher, cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

COMMAND = "python bench/lookup.py DATA --json results/lookup.json"
NOISE = (0, 8, 24)  # standard deviations, of 255


def measure(chosen: Cipher, samples: list[AuditSample], noise: float) -> dict[str, Any]:
    """The share found again under one cipher, by what was done to the candidates."""
    victim, rng = Victim(chosen, 0), np.random.default_rng(1)
    noisy = [np.clip(s.image + rng.normal(0, noise, s.image.shape), 0, 255).round().astype(np.uint8) for s in samples]
    evidence = Evidence(chosen, tuple(victim.encrypt(image) for image in noisy), candidates=candidates(samples, (), 0))
    matches = Lookup().run(evidence).matches
    right = {name: sum(guess == truth for truth, guess in enumerate(found)) for name, found in matches.items()}
    return {"cipher": chosen.name, "cell": chosen.spec.cell, "noise": noise, **right}


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    samples = open_samples(given.data, given.limit)
    ciphers = [cipher(name, None, side) for name in ("subblock-shuffle", "mosaic") for side in (4, 8, 12, 16)]
    ciphers += [cipher("subblock-shuffle", 32, 32), cipher("patch-permutation", 16)]
    rows = []
    for chosen in ciphers:
        for noise in NOISE if chosen.name == "subblock-shuffle" else NOISE[:1]:
            rows.append(measure(chosen, samples, noise))
            print(rows[-1], flush=True)
    if given.json is not None:
        facts = {"images": len(samples), "data": given.data.partition(":")[0]}
        write_json(given.json, {**facts, "rows": rows, **provenance(COMMAND, 0)}, overwrite=True)


if __name__ == "__main__":
    main()
