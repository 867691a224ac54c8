"""One cipher, all its attacks: run, judge, read what can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veilseg.audit.base import Attack, Finding, Pixels, Training, works_by
from veilseg.audit.recognition import Content, Recognised, content, recognise
from veilseg.audit.samples import Subject, Victim, gather
from veilseg.audit.scoring import Similarity, compare, judge_matrix, judge_order
from veilseg.ciphers import Cipher


@dataclass(frozen=True)
class ViewResult:
    """One reconstruction of every image: how near it comes, and what machines read in it (None: not read)."""

    pictures: list[Pixels]
    similar: list[Similarity]
    recognised: Recognised | None = None

    @property
    def mean(self) -> Similarity:
        """The mean over the images."""
        return Similarity(*(float(np.mean([getattr(s, name) for s in self.similar])) for name in vars(self.similar[0])))


@dataclass(frozen=True)
class AttackResult:
    """One attack on one cipher. key: the judge's figures where the attack is after the key; seconds: wall clock;
    processor_seconds: of this process, which other work on the machine does not lengthen.
    """

    attack: Attack
    views: dict[str, ViewResult]
    key: dict[str, Any] | None
    figures: dict[str, Any]
    seconds: float
    processor_seconds: float

    @property
    def best(self) -> ViewResult | None:
        """The view with the highest mean SSIM."""
        return max(self.views.values(), key=lambda view: view.mean.ssim, default=None)


@dataclass(frozen=True)
class CipherResult:
    """All attacks on one cipher; plain: what machines read in the plain images."""

    cipher: Cipher
    attacks: list[AttackResult]
    plain: Recognised | None
    subjects: list[Subject] = field(default_factory=list)

    @property
    def best(self) -> tuple[AttackResult, ViewResult] | None:
        """The attack whose best view has the highest mean SSIM, and that view: what the cipher gives away."""
        seen = [(attack, view) for attack in self.attacks if (view := attack.best) is not None]
        return max(seen, key=lambda pair: pair[1].mean.ssim, default=None)


def read_subjects(subjects: Sequence[Subject]) -> list[Content]:
    """What machines read in the plain images; text other than known plates only where no plates are known."""
    known = any(subject.plates for subject in subjects)
    return [content(subject.image, subject.plates, text=not known) for subject in subjects]


def audit_cipher(
    cipher: Cipher,
    subjects: Sequence[Subject],
    attacks: Sequence[Attack],
    references: tuple[Pixels, ...],
    *,
    seed: int = 0,
    training: Training | None = None,
    truth: Sequence[Content] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> CipherResult:
    """Encrypt `subjects` and run every attack that fits `cipher`.

    truth: what `read_subjects` says of the plain images; None leaves recognition out. progress is called with the name
    of every attack before it runs. The same arguments give the same result, but for the seconds.
    """
    victim = Victim(cipher, seed)
    evidence = gather(victim, subjects, references, seed, training or Training())
    results = []
    for attack in attacks:
        if not attack.fits(cipher):
            continue
        progress(attack.name)
        start, busy = time.perf_counter(), time.process_time()
        finding = attack.run(evidence)
        taken, used = time.perf_counter() - start, time.process_time() - busy
        views = {name: _judge_view(pictures, subjects) for name, pictures in finding.views.items()}
        if truth is not None and views:  # reading takes longer than most attacks: only what came out best
            name = max(views, key=lambda name: views[name].mean.ssim)
            views[name] = ViewResult(views[name].pictures, views[name].similar, recognise(views[name].pictures, truth))
        results.append(AttackResult(attack, views, _judge_key(finding, victim), finding.figures, taken, used))
    plain = None if truth is None else recognise([subject.image for subject in subjects], truth)
    return CipherResult(cipher, results, plain, list(subjects))


def _judge_view(pictures: Sequence[Pixels], subjects: Sequence[Subject]) -> ViewResult:
    """Cut to the true sizes and compared."""
    cut = [
        np.ascontiguousarray(picture[: subject.image.shape[0], : subject.image.shape[1]])
        for picture, subject in zip(pictures, subjects, strict=True)
    ]
    return ViewResult(cut, [compare(picture, subject.image) for picture, subject in zip(cut, subjects, strict=True)])


def _judge_key(finding: Finding, victim: Victim) -> dict[str, Any] | None:
    cipher = victim.cipher
    if finding.order is not None:
        if works_by(cipher, "permutation"):
            return judge_order(finding.order, cipher.block_order(victim.key))
        # Of independent keys, no permutation is the key; of other ciphers the judge knows none, and the views tell.
        return {"key_recovered": False} if cipher.facts.sub_blocks else None
    if finding.matrix is not None:
        return judge_matrix(finding.matrix, cipher.affine(victim.key).matrix)
    return None
