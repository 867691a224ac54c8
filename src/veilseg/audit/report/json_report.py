"""The audit's figures as JSON and as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from veilseg.audit.base import Pixels
from veilseg.audit.run import AttackResult, CipherResult, ViewResult
from veilseg.audit.samples import Subject

if TYPE_CHECKING:
    from rich.table import Table

LPIPS = "not measured: its networks' weights come in no package and would have to be downloaded"


def to_dict(results: Sequence[CipherResult], references: Sequence[Pixels]) -> dict[str, Any]:
    """For JSON, without pictures. SSIM and PSNR are means over the images; every image's own stand beside them."""
    subjects = results[0].subjects
    return {
        "images": _images(subjects),
        "public_photographs": len(references),
        "metrics": {
            "ssim": "scikit-image, on the mean of the channels",
            "psnr": "dB, likewise",
            "colour_ssim": "scikit-image, mean over the channels",
            "lpips": LPIPS,
        },
        "ciphers": [_cipher(result) for result in results],
    }


def leakage_table(result: CipherResult) -> Table:
    """A rich table: a row per attack with SSIM, PSNR, plates or words read, the key, seconds."""
    from rich import box
    from rich.table import Table

    table = Table(title=str(result.cipher.spec), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("attack", no_wrap=True)
    for name in ("SSIM", "PSNR", "read", "key", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for attack in result.attacks:
        view = attack.best
        scores = (f"{view.mean.ssim:.3f}", f"{view.mean.psnr:.1f}") if view else ("", "")
        table.add_row(attack.attack.name, *scores, reading(view), key_word(attack), f"{attack.seconds:.1f}")
    return table


def reading(view: ViewResult | None) -> str:
    """What machines read in one view, in a few words: characters of known plates, else words; then faces."""
    if view is None or view.recognised is None:
        return ""
    found = view.recognised
    parts = [
        f"{name} {100 * value:.0f} %"
        for name, value in (("plates", found.plate_characters), ("words", found.words), ("faces", found.faces))
        if value is not None
    ]
    return ", ".join(parts)


def key_word(attack: AttackResult) -> str:
    """ "recovered", "no", or nothing where the attack is after no key."""
    if attack.key is None:
        return ""
    return "recovered" if attack.key["key_recovered"] else "no"


def _images(subjects: Sequence[Subject]) -> dict[str, Any]:
    content = hashlib.sha256()
    for subject in subjects:
        content.update(repr(subject.image.shape).encode() + subject.image.tobytes())
    return {
        "count": len(subjects),
        "names": [subject.name for subject in subjects],
        "plates": sum(len(subject.plates) for subject in subjects),
        "pixels_sha256": content.hexdigest(),
    }


def _cipher(result: CipherResult) -> dict[str, Any]:
    best = None
    if result.best is not None:
        attack, view = result.best
        best = {"attack": attack.attack.name, "ssim": round(view.mean.ssim, 4)}
    return {
        "cipher": result.cipher.spec.to_dict(),
        "key": "drawn from the seed, for this audit only" if result.cipher.key_use != "none" else "none",
        "read_in_plain_images": None if result.plain is None else result.plain.to_dict(),
        "best": best,
        "attacks": [_attack(attack) for attack in result.attacks],
    }


def _attack(result: AttackResult) -> dict[str, Any]:
    attack = result.attack
    return {
        "name": attack.name,
        "needs": attack.needs,
        "cost": attack.cost,
        "seconds": round(result.seconds, 2),
        "processor_seconds": round(result.processor_seconds, 2),
        "key": result.key,
        "figures": result.figures,
        "views": {name: _view(view) for name, view in result.views.items()},
    }


def _view(view: ViewResult) -> dict[str, Any]:
    return {
        **view.mean.to_dict(),
        "each_image": [similar.to_dict() for similar in view.similar],
        "recognised": None if view.recognised is None else view.recognised.to_dict(),
    }
