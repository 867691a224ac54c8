"""lookup: finds photographs again behind every sub-block cipher; comes to nothing where next to nothing is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from veilseg import cipher
from veilseg.audit.attacks.lookup import Lookup
from veilseg.audit.candidates import CHANGED, CROPPED, ITSELF
from veilseg.audit.cipher_audit import audit_cipher
from veilseg.audit.registry import ATTACKS
from veilseg.audit.samples import AuditSample
from veilseg.audit.victim import Victim, gather
from veilseg.data.scenes import generate_scene


@pytest.fixture(scope="module")
def streets() -> list[AuditSample]:
    """Twelve scenes that look alike."""
    return [AuditSample(f"scene {i}", generate_scene(900 + i, (128, 192)).image) for i in range(12)]


def right(chosen, streets: list[AuditSample]) -> dict[str, int]:
    evidence = gather(Victim(chosen, 1), streets, (), 1, None)  # type: ignore[arg-type]
    matches = Lookup().run(evidence).matches
    return {name: sum(found == index for index, found in enumerate(rows)) for name, rows in matches.items()}


@pytest.mark.parametrize(("name", "side"), [("subblock-shuffle", 4), ("mosaic", 8), ("patch-permutation", None)])
def test_photographs_are_found_again(name: str, side: int | None, streets: list[AuditSample]) -> None:
    found = right(cipher(name, 16, side), streets)
    assert found[ITSELF] == found[CHANGED] == 12
    assert found[CROPPED] > 3  # chance: one


def test_six_cells_are_too_few(streets: list[AuditSample]) -> None:
    assert right(cipher("mosaic", 64, 64), streets)[CHANGED] < 9


def test_what_keeps_no_means_is_not_looked_up() -> None:
    assert not Lookup().fits(cipher("patch-rotation"))
    assert not Lookup().fits(cipher("ffx"))


def test_the_audit_says_how_many_among_how_many(streets: list[AuditSample], references: tuple) -> None:
    result = audit_cipher(cipher("subblock-sort"), streets[:3], [ATTACKS["lookup"]], references)
    assert result.attacks[0].figures[ITSELF] == f"3 of 3 among {3 + len(references)}"


def test_a_photograph_that_nobody_has_is_taken_for_another(streets: list[AuditSample]) -> None:
    """The likest candidate is named whether or not the right one is among them: a match alone proves nothing."""
    evidence = gather(Victim(cipher("subblock-sort"), 1), streets[:2], (), 1, None)  # type: ignore[arg-type]
    others = tuple(sample.image for sample in streets[6:])
    found = Lookup().run(replace(evidence, candidates={"others": others}))
    assert all(0 <= index < 6 for index in found.matches["others"])
    assert np.shape(found.matches["others"]) == (2,)
