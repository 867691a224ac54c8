"""`veilseg train`: a recipe in, a model folder out."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.messages import note, notes_of


def command(
    recipe: Annotated[Path, typer.Argument(help="YAML file, or the name of a shipped recipe.", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="SECTION.NAME=VALUE, over the recipe's.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only build everything and make two steps on generated data.")
    ] = False,
    ray: Annotated[
        bool, typer.Option("--ray", help="On the Ray cluster at RAY_ADDRESS; without one, in processes here.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the run.", show_default="runs/RECIPE")
    ] = None,
) -> None:
    """Train a model; an interrupted run goes on where its last checkpoint was, and more train.steps lengthen one.

    At the end the run's folder holds the model and report.html: curves, confusion matrix, best and worst pictures.
    With --ray the run has machine.devices x machine.nodes processes anywhere on the cluster, and starts again when one
    dies; the run's folder and the data must have the same names on every machine.

    Example: VEILSEG_CAMVID=camvid veilseg train camvid-sort train.steps=1000 -o runs/short
    """
    from veilseg.training.load import load_recipe

    loaded = load_recipe(recipe, overrides)
    folder = output or Path("runs") / recipe.stem
    # One process speaks for all.
    speaks = not (int(os.environ.get("LOCAL_RANK", 0)) or int(os.environ.get("NODE_RANK", 0)))
    with notes_of("veilseg.training", wanted=speaks):
        if dry_run:
            from veilseg.training.dry_run import dry_run as rehearse

            typer.echo(f"{recipe}: two steps on generated data, loss {rehearse(loaded):.3f}")
            return
        if ray:
            from veilseg.cluster.training import train_on_ray

            train_on_ray(loaded, folder)
        from veilseg.training.training_run import train

        try:
            model = train(loaded, folder)  # a finished run gives its model
        except KeyboardInterrupt as stop:
            if speaks:
                again = ["veilseg", "train", str(recipe), *(overrides or []), *(["--ray"] if ray else [])]
                note(str(stop) or "stopped in the middle of a step")
                note(f"to go on: {shlex.join([*again, '-o', str(folder)])}")
            raise
    if not speaks:
        return
    measured = model.config.training
    aacc, miou, macc = (measured[f"val_{name}"] for name in ("aacc", "miou", "macc"))
    typer.echo(f"{folder}: aAcc {aacc:.2f}, mIoU {miou:.2f}, mAcc {macc:.2f} on val; report.html shows more")
