"""One cipher, all its attacks: run, score, read what can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veilseg.audit.base import Attack, Finding, Pixels, Training
from veilseg.audit.readers.rates import LineReading, score_line
from veilseg.audit.recognition import Content, Recognised, content, recognise
from veilseg.audit.samples import AuditSample
from veilseg.audit.scoring import Similarity, compare, score_matrix, score_order
from veilseg.audit.victim import Victim, gather
from veilseg.catalog import CATALOG
from veilseg.ciphers import Cipher
from veilseg.ciphers import cipher as make

SUB_BLOCKS = (4, 8, 12, 16)
"""Sides in pixels of the sub-blocks that an audit of all ciphers takes."""


@dataclass(frozen=True)
class Reconstruction:
    """What an attack made of every image: how near it comes, and what machines read in it (None: not read)."""

    pictures: list[Pixels]
    similar: list[Similarity]
    recognised: Recognised | None = None

    @property
    def mean(self) -> Similarity:
        """The mean over the images."""
        return Similarity(*(float(np.mean([getattr(s, name) for s in self.similar])) for name in vars(self.similar[0])))


@dataclass(frozen=True)
class AttackResult:
    """One attack on one cipher.

    Attributes:
        key: how near the attack came to the key; None where it is after none.
        read: the lines of writing that the attack read in the encrypted images themselves.
        seconds, processor_seconds: wall clock; of this process, which other work on the machine does not lengthen.
    """

    attack: Attack
    reconstructions: dict[str, Reconstruction]
    key: dict[str, Any] | None
    figures: dict[str, Any]
    seconds: float
    processor_seconds: float
    read: list[LineReading] = field(default_factory=list)

    @property
    def best(self) -> Reconstruction | None:
        """The reconstruction with the highest mean SSIM."""
        return max(self.reconstructions.values(), key=lambda made: made.mean.ssim, default=None)


@dataclass(frozen=True)
class CipherResult:
    """All attacks on one cipher; plain: what machines read in the plain images."""

    cipher: Cipher
    attacks: list[AttackResult]
    plain: Recognised | None
    samples: list[AuditSample] = field(default_factory=list)

    @property
    def best(self) -> tuple[AttackResult, Reconstruction] | None:
        """The attack whose best reconstruction has the highest mean SSIM, and that: what the cipher gives away."""
        seen = [(attack, best) for attack in self.attacks if (best := attack.best) is not None]
        return max(seen, key=lambda pair: pair[1].mean.ssim, default=None)


def every_cipher(block: int | None = None) -> list[Cipher]:
    """Every cipher of the catalogue, those with sub-blocks at each of SUB_BLOCKS that fits into `block` pixels."""
    return [
        make(name, block, side)
        for name, row in CATALOG.items()
        for side in (SUB_BLOCKS if row.sub_blocks else (None,))
        if side is None or block is None or block % side == 0
    ]


def read_samples(samples: Sequence[AuditSample]) -> list[Content]:
    """What machines read in the plain images; text other than known plates only where no plates are known."""
    known = any(sample.plates for sample in samples)
    return [content(sample.image, sample.plates, text=not known) for sample in samples]


def audit_cipher(
    cipher: Cipher,
    samples: Sequence[AuditSample],
    attacks: Sequence[Attack],
    references: tuple[Pixels, ...],
    *,
    seed: int = 0,
    training: Training | None = None,
    truth: Sequence[Content] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> CipherResult:
    """Encrypt `samples` and run every attack that fits `cipher`. The same arguments give the same, but for the seconds.

    Args:
        cipher: what is attacked.
        samples: the victim's images.
        attacks: those that do not fit are left out.
        references: public photographs that the attacker has.
        seed: of the victim's key and of whatever an attack draws.
        training: of the attacks that train networks.
        truth: what `read_samples` says of the plain images; None leaves recognition out.
        progress: called with the name of every attack before it runs.
    """
    victim = Victim(cipher, seed)
    places = tuple(tuple(line.place for line in known.lines) for known in truth or ())
    evidence = gather(victim, samples, references, seed, training or Training(), places)
    results = []
    for attack in attacks:
        if not attack.fits(cipher):
            continue
        progress(attack.name)
        start, busy = time.perf_counter(), time.process_time()
        finding = attack.run(evidence)
        taken, used = time.perf_counter() - start, time.process_time() - busy
        made = {name: _score(pictures, samples) for name, pictures in finding.reconstructions.items()}
        if truth is not None and made:  # reading takes longer than most attacks: only what came out best
            name = max(made, key=lambda name: made[name].mean.ssim)
            best = made[name]
            made[name] = Reconstruction(best.pictures, best.similar, recognise(best.pictures, truth))
        key, read = _score_key(finding, victim), _score_read(finding, truth or (), cipher.spec.cell)
        figures = {**finding.figures, **_score_matches(finding, evidence.candidates)}
        results.append(AttackResult(attack, made, key, figures, taken, used, read))
    plain = None if truth is None else recognise([sample.image for sample in samples], truth)
    return CipherResult(cipher, results, plain, list(samples))


def _score(pictures: Sequence[Pixels], samples: Sequence[AuditSample]) -> Reconstruction:
    """Cut to the true sizes and compared."""
    truths = [sample.image for sample in samples]
    pairs = list(zip(pictures, truths, strict=True))
    cut = [np.ascontiguousarray(picture[: truth.shape[0], : truth.shape[1]]) for picture, truth in pairs]
    return Reconstruction(cut, [compare(picture, truth) for picture, truth in zip(cut, truths, strict=True)])


def _score_read(finding: Finding, truth: Sequence[Content], side: int) -> list[LineReading]:
    """Every line that was read, against what it says."""
    images = zip(finding.read or (), truth, strict=False)
    return [
        score_line(scores, line, side) for read, known in images for scores, line in zip(read, known.lines, strict=True)
    ]


def _score_matches(finding: Finding, candidates: dict[str, tuple[Pixels, ...]]) -> dict[str, str]:
    """How many images were found again, by what was done to the candidates; the first ones are the images'."""
    right = {name: sum(one == index for index, one in enumerate(found)) for name, found in finding.matches.items()}
    return {
        name: f"{count} of {len(finding.matches[name])} among {len(candidates[name])}" for name, count in right.items()
    }


def _score_key(finding: Finding, victim: Victim) -> dict[str, Any] | None:
    if finding.matrix is not None:
        return score_matrix(finding.matrix, victim.cipher.affine(victim.key).matrix)
    if finding.order is None:
        return None
    if victim.cipher.facts.mechanism == "permutation":
        return score_order(finding.order, victim.cipher.block_order(victim.key))
    return {"key_recovered": False}  # where blocks are not all permuted alike, no permutation is the key
