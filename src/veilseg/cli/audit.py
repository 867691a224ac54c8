"""`veilseg audit`: what encrypted images give away, measured by attacks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from veilseg.audit.registry import ATTACKS, choose
from veilseg.catalog import DEFAULT_CIPHER, DEFAULT_LONGER_SIDE
from veilseg.cli.common import BlockSize, CipherName, Force, LongerSide, SubBlockSize


def command(
    context: typer.Context,
    images: Annotated[
        str, typer.Option("--images", metavar="DIR", help="A folder of photographs, or a dataset such as scenes:5.")
    ],
    cipher: CipherName = DEFAULT_CIPHER,
    block: BlockSize = None,
    sub_block: SubBlockSize = None,
    longer_side: LongerSide = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every cipher, those with sub-blocks at 4, 8, 12 and 16 pixels.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where page and figures are written.")
    ] = Path("audit"),
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="The first N of a folder; of a dataset N.")
    ] = 5,
    attack: Annotated[
        list[str] | None,
        typer.Option("--attack", metavar="NAME", help=f"Only this attack; may be repeated. {', '.join(ATTACKS)}."),
    ] = None,
    learned: Annotated[
        bool, typer.Option("--learned", help="Also the attacks that train a network: minutes per cipher, needs torch.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", min=1, help="Training steps of the learned attacks.")
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option("--references", metavar="DIR", help="Photographs the attacker has. Default: five common ones."),
    ] = None,
    recognition: Annotated[bool, typer.Option(help="Let machines read plates, words and faces.")] = True,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the audit's keys and draws.")] = 0,
    force: Force = False,
) -> None:
    """Attack encrypted images and report what came out: similarity, what machines read, whether the key fell.

    Photographs are reduced to the working size, as `veilseg encrypt` does it. Writes FOLDER/index.html, with pictures
    of every attack, and FOLDER/audit.json. The page shows your images. Five images take a minute or two per cipher.
    Learned attacks keep checkpoints in FOLDER and go on after an interruption.

    Examples:
      veilseg audit --cipher subblock-sort --sub-block 8 --images photos/
      veilseg audit --all --images scenes:5:7 -o audit
      veilseg audit --cipher patch-permutation --images camvid:CamVid --limit 16
      veilseg audit --attack inverse-network --steps 5000 --references my-photos/ --images photos/
    """
    from rich.console import Console

    from veilseg.audit.base import Training
    from veilseg.audit.cipher_audit import audit_cipher, every_cipher, read_samples
    from veilseg.audit.report.json_report import leakage_table
    from veilseg.audit.report.page import JSON_NAME, write_audit
    from veilseg.audit.samples import open_references, open_samples
    from veilseg.ciphers import cipher as make
    from veilseg.cli.common import training_bar
    from veilseg.cli.messages import note
    from veilseg.errors import UsageError
    from veilseg.evaluation.report import PAGE_NAME
    from veilseg.files import make_folder, refuse_existing
    from veilseg.install import install_hint

    attacks = choose(attack, learned=learned)
    if steps is not None and not any(one.learned for one in attacks):
        raise UsageError("--steps is for attacks that train a network, and none is chosen", "add --learned")
    if any(one.learned for one in attacks) and find_spec("torch") is None:
        raise UsageError("attacks that train a network need torch", install_hint("train"))
    if every:
        source = context.get_parameter_source("cipher")
        if source is not None and source.name != "DEFAULT":
            raise UsageError("--all takes every cipher", "leave --cipher out, or leave --all out")
        if sub_block is not None:
            raise UsageError("--all chooses sub-blocks itself", "leave them out, or name one --cipher")
        made = every_cipher(block)
    else:
        made = [make(cipher, block, sub_block)]
    made = [one for one in made if any(attack.fits(one) for attack in attacks)]
    if not made:
        raise UsageError(f"{attacks[0].name} says nothing about {cipher}", "leave --attack out to see which do")
    make_folder(output)
    for name in (PAGE_NAME, JSON_NAME):
        refuse_existing(output / name, overwrite=force)
    samples = open_samples(images, limit, DEFAULT_LONGER_SIDE if longer_side is None else longer_side)
    public = open_references(references)
    truth = read_samples(samples) if recognition else None
    console = Console(highlight=False, markup=False)
    results = []
    with training_bar() as progress:
        chosen = {} if steps is None else {"steps": steps}
        training = Training(folder=output / "checkpoints", progress=progress, **chosen)
        for one in made:
            title = str(one.spec)
            result = audit_cipher(
                one,
                samples,
                attacks,
                public,
                seed=seed,
                training=training,
                truth=truth,
                progress=lambda name, title=title: note(f"{title}: {name}"),  # type: ignore[misc]
            )
            results.append(result)
            console.print(leakage_table(result))
    page = write_audit(results, public, output, seed, overwrite=force)
    note(f"The page with pictures: {page}")
