"""Train the shipped reader, and measure it: python -m veilseg.audit.readers train|measure.

`train` writes reader.safetensors beside this file, in float16; `measure` reads that.
Both need the fonts that fonts.PACKAGES names; training takes about eleven minutes of one core.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from veilseg.audit.readers.fonts import LEARNED, find_fonts
from veilseg.audit.readers.measure import SIDES
from veilseg.audit.readers.measure import measure as measure_reader
from veilseg.audit.readers.reader import NAME, shipped
from veilseg.evaluation.provenance import provenance

HERE = Path(__file__).parent
app = typer.Typer(add_completion=False)


@app.command()
def train(rounds: int = 360, seed: int = 1, output: Path = HERE) -> None:
    """Train the reader."""
    import torch
    from safetensors.numpy import save_file

    from veilseg.audit.readers.network import ReaderNetwork
    from veilseg.audit.readers.training import TrainingSettings
    from veilseg.audit.readers.training import train as train_reader

    def progress(number: int, loss: float, network: ReaderNetwork) -> None:
        if number % 10 == 0:
            typer.echo(f"{number} of {rounds}: loss {loss:.3f}")

    torch.set_num_threads(1)
    network = train_reader(TrainingSettings(find_fonts(LEARNED), rounds=rounds, seed=seed, progress=progress))
    weights = {name: value.numpy().astype(np.float16) for name, value in network.state_dict().items()}
    save_file(weights, output / NAME)


@app.command()
def measure(
    output: Annotated[Path, typer.Option("--output", "-o")], plates: int = 200, scenes: int = 260, seed: int = 4
) -> None:
    """Measure the shipped reader, with at least 200 plates for every figure."""
    found = measure_reader(shipped(), plates=plates, scenes=scenes, seed=seed, progress=typer.echo)
    command = f"python -m veilseg.audit.readers measure -o {output.as_posix()}"
    output.write_text(json.dumps({**provenance(command, seed), **found}, indent=1) + "\n", encoding="utf-8")


@app.command()
def specialise(
    output: Annotated[Path, typer.Option("--output", "-o")], rounds: int = 70, scenes: int = 260, seed: int = 3
) -> None:
    """Train readers of nothing but generated scenes' plates, sorted, at every side measured; not shipped."""
    import torch

    from veilseg.audit.readers.specialist import specialise as train_specialist

    torch.set_num_threads(1)
    # Before the first result is written, which may be a file of the checkout.
    facts = provenance(f"python -m veilseg.audit.readers specialise -o {output.as_posix()}", seed)
    found = {}
    for side in SIDES:
        found[str(side)] = train_specialist(side, rounds=rounds, scenes=scenes, seed=seed, progress=typer.echo)
        output.write_text(json.dumps({**facts, "rounds": rounds, "sides": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
