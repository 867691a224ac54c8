"""The audit's figures as JSON and as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from veilseg.audit.base import Pixels
from veilseg.audit.cipher_audit import AttackResult, CipherResult, Reconstruction
from veilseg.audit.readers.rates import by_height, rates
from veilseg.audit.samples import AuditSample

if TYPE_CHECKING:
    from rich.table import Table

LPIPS = "not measured: its networks' weights come in no package and would have to be downloaded"


def to_dict(results: Sequence[CipherResult], references: Sequence[Pixels]) -> dict[str, Any]:
    """For JSON, without pictures. SSIM and PSNR are means over the images; every image's own stand beside them."""
    return {
        "images": _images(results[0].samples),
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
    """A rich table: a row per attack with SSIM, PSNR, plates or words read, the key, seconds; no empty columns."""
    from rich import box
    from rich.table import Table

    table = Table(title=str(result.cipher.spec), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("attack", no_wrap=True)
    rows = [(*scores(one.best), reading(one), key_word(one), f"{one.seconds:.1f}") for one in result.attacks]
    shown = [index for index in range(5) if any(row[index] for row in rows)]
    for index in shown:
        table.add_column(("SSIM", "PSNR", "read", "key", "seconds")[index], justify="right", no_wrap=True)
    for attack, row in zip(result.attacks, rows, strict=True):
        table.add_row(attack.attack.name, *(row[index] for index in shown))
    return table


def scores(made: Reconstruction | None) -> tuple[str, str]:
    """SSIM and PSNR of a reconstruction; empty where there is none."""
    return (f"{made.mean.ssim:.3f}", f"{made.mean.psnr:.1f}") if made else ("", "")


def reading(attack: AttackResult) -> str:
    """What machines read in what an attack made, in a few words: characters of known plates, else words; then faces.

    Of an attack that reads encrypted images itself: characters by letter height.
    """
    if attack.read:
        shares = {height: found["characters"][0] for height, found in by_height(attack.read).items()}
        parts = [f"{100 * share:.0f} % at {height}" for height, share in shares.items()]
        return "characters " + ",\n".join(parts) + " cells"
    if attack.best is None and attack.key is None:
        return "nothing to try it on"
    if attack.best is None or attack.best.recognised is None:
        return ""
    found = attack.best.recognised
    parts = [
        f"{name} {100 * value:.0f} %"
        for name, value in (("plates", found.plate_characters), ("words", found.words), ("faces", found.faces))
        if value is not None
    ]
    return ", ".join(parts)


def key_word(attack: AttackResult) -> str:
    """Whether the key was "recovered" ("no" if not), nothing where the attack is after none."""
    if attack.key is None:
        return ""
    return "recovered" if attack.key["key_recovered"] else "no"


def _images(samples: Sequence[AuditSample]) -> dict[str, Any]:
    content = hashlib.sha256()
    for sample in samples:
        content.update(repr(sample.image.shape).encode() + sample.image.tobytes())
    return {
        "count": len(samples),
        "names": [sample.name for sample in samples],
        "plates": sum(len(sample.plates) for sample in samples),
        "pixels_sha256": content.hexdigest(),
    }


def _cipher(result: CipherResult) -> dict[str, Any]:
    best = None
    if result.best is not None:
        attack, made = result.best
        best = {"attack": attack.attack.name, "ssim": round(made.mean.ssim, 4)}
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
        "read": {"all": rates(result.read), **by_height(result.read)} if result.read else None,
        "reconstructions": {name: _reconstruction(made) for name, made in result.reconstructions.items()},
    }


def _reconstruction(made: Reconstruction) -> dict[str, Any]:
    return {
        **made.mean.to_dict(),
        "each_image": [similar.to_dict() for similar in made.similar],
        "recognised": None if made.recognised is None else made.recognised.to_dict(),
    }
