"""`veilseg bulk`: encrypt or segment a whole folder or bucket, on this machine or on a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_CIPHER
from veilseg.cli.common import (
    BlockSize,
    CipherName,
    Force,
    KeyFile,
    SubBlockSize,
    Threads,
    Window,
    key_for,
    key_path,
    progress_bar,
)
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.bulk import Encrypt, Job
    from veilseg.ciphers import Cipher


def command(
    job: Annotated[str, typer.Argument(metavar="JOB", help="encrypt or segment.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, or a URL such as s3://bucket/photos.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="TARGET", help="A folder or URL, not SOURCE.")],
    cipher: CipherName = DEFAULT_CIPHER,
    block: BlockSize = DEFAULT_BLOCK,
    sub_block: SubBlockSize = None,
    key: KeyFile = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="To segment: a shipped name or a folder.")
    ] = None,
    window: Window = None,
    threads: Threads = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="On the Ray cluster at RAY_ADDRESS; without one, on all cores here.")
    ] = False,
    force: Force = False,
) -> int:
    """Encrypt or segment every image of a folder or bucket: one PNG per image, at the same place below TARGET.

    Outputs appear whole or not at all. Those that are there already are left out, so that the same command goes on
    after an interruption. TARGET/failures.jsonl lists what failed and why, and is empty if nothing did.

    On a cluster, SOURCE, TARGET, the model and the key file must have the same names on every machine; the key itself
    is read from its file there, and never sent. --threads are those of one image, and the cores that Ray reserves for
    it (default: 1).

    Examples:
      veilseg bulk encrypt photos/ -o veiled/
      veilseg bulk segment veiled/ -o labels/ --model my-model/
      veilseg bulk encrypt s3://bucket/photos -o s3://bucket/veiled --key my.key --cipher subblock-shuffle --ray
    """
    from veilseg.bulk import MANIFEST, Outcome, Segment, make_plan, manifest, open_place, run_here
    from veilseg.ciphers import cipher as make
    from veilseg.cli.messages import note
    from veilseg.client.folder import Summary
    from veilseg.errors import VeilsegError

    if job == "encrypt":
        if model is not None or window is not None or threads is not None:
            raise UsageError("--model, --window and --threads are for segmenting", "leave them out")
        chosen: Job = _encrypting(make(cipher, block, sub_block), key)
    elif job == "segment":
        if (cipher, block, sub_block, key) != (DEFAULT_CIPHER, DEFAULT_BLOCK, None, None):
            raise UsageError("a model needs no key and no cipher", "leave the options for encrypting out")
        chosen = Segment(model or "default", window, threads)
    else:
        raise UsageError(f"there is no job {job!r}", "encrypt or segment")
    places = open_place(source), open_place(output)
    plan = make_plan(*places, force=force)
    if ray:
        from veilseg.cluster.bulk import run_on_ray as run
    else:
        run = run_here
    failed: list[Outcome] = list(plan.refused)
    written = 0
    try:
        with progress_bar(len(plan.todo), chosen.doing) as step:
            for outcome in run(plan.todo, chosen, *places, force=force):
                if outcome.reason is None:
                    written += 1
                else:
                    failed.append(outcome)
                step()
    except KeyboardInterrupt:
        places[1].write(MANIFEST, manifest(failed))
        note(f"interrupted: {written} of {len(plan.todo)} images written, each of them whole; the same command goes on")
        raise
    places[1].write(MANIFEST, manifest(failed))
    failures = [(one.name, VeilsegError(one.reason or "", one.hint)) for one in failed]
    for line in Summary(written, plan.there, failures).lines():
        note(line)
    if failed:
        note(f"hint: {MANIFEST} in {output} lists them; the same command tries them again")
    return 1 if failed else 0


def _encrypting(cipher: Cipher, key: Path | None) -> Encrypt:
    from veilseg.bulk import Encrypt

    secret, file = key_for(cipher, key), key_path(key)
    if secret is None or file is None:
        return Encrypt(cipher)
    return Encrypt(cipher, str(file.absolute()), secret.fingerprint)
