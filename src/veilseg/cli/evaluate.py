"""`veilseg evaluate`: aAcc, mIoU and mAcc of a model on a dataset, encrypted as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from veilseg import catalog
from veilseg.catalog import DEFAULT_MODEL_CIPHER
from veilseg.cli.common import Force, JsonFile, KeyFile, LongerSide, Threads, Window, key_for, load_key
from veilseg.cli.messages import show_warning
from veilseg.data.registry import forms
from veilseg.errors import UsageError
from veilseg.evaluation.protocols import PROTOCOLS, ProtocolSettings, find_protocol, run_protocol


def command(
    data: Annotated[str, typer.Option("--data", metavar="KIND:DIR", help=f"{forms()}.")],
    split: Annotated[str | None, typer.Option("--split", help="Part of the dataset. Default for camvid: val.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="The shipped model's name, or a folder with config.json."),
    ] = None,
    cipher: Annotated[
        str | None,
        typer.Option("--cipher", metavar="NAME", help=f"{catalog.names()}; or plain. Default: the model's input."),
    ] = None,
    block: Annotated[
        int | None, typer.Option("--block", metavar="PIXELS", help="Side of a block. Default: the model's.")
    ] = None,
    sub_block: Annotated[
        int | None, typer.Option("--sub-block", metavar="PIXELS", help="Side of a sub-block. Default: the model's.")
    ] = None,
    key: KeyFile = None,
    any_input: Annotated[
        bool, typer.Option("--any-input", help="Also measure what the model refuses: a wrong key, no encryption.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N images.")] = None,
    longer_side: LongerSide = None,
    window: Window = None,
    threads: Threads = None,
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="cpu or cuda.")] = "cpu",
    per_class: Annotated[bool, typer.Option("--per-class", help="Also print every class.")] = False,
    json_file: JsonFile = None,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", metavar="NAME", help=f"One of {', '.join(PROTOCOLS)}."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where a protocol writes results and figures.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", min=1, help="A protocol's random keys (50) or pictures (4).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of a protocol's test keys.")] = 0,
    force: Force = False,
) -> None:
    """Measure a model: every image is encrypted, segmented and compared with its ground truth.

    Images larger than the model's working size are reduced before encryption; their maps are enlarged again and
    compared at the images' own size. aAcc is the share of right pixels, mIoU and mAcc are means over the classes, all
    in percent and over the whole dataset (one confusion matrix). kB is what a client sends for one image.

    camvid:DIR is CamVid in the SegNet tutorial's layout: train/ and trainannot/, val/ and valannot/. folder:DIR is your
    own data: DIR/images/ and DIR/labels/ hold files of the same stem, a label being an 8-bit grey or palette PNG of
    class ids (255: ignored); DIR/classes.json, {"classes": ["road", "sky"]}, names the classes in their order.
    With --split NAME both lie in DIR/NAME/. scenes:COUNT:SEED are generated street scenes.

    A protocol repeats a table or figure of the papers, on any model and data, and prints the paper's numbers too. It
    takes --model several times. Interrupted, the same command goes on where it was.

    Examples:
      veilseg evaluate --data camvid:CamVid --cipher subblock-shuffle
      veilseg evaluate --data camvid:CamVid --model plain --json plain.json
      veilseg evaluate --data scenes:50 --model encrypted/ --cipher patch-permutation --key my.key
      veilseg evaluate --data camvid:CamVid --protocol keys --model plain -o keys/
      veilseg evaluate --data camvid:CamVid --protocol conventional --model fcn-shf4 --key my.key -o conventional/
    """
    from rich.console import Console

    from veilseg.ciphers import own_cipher
    from veilseg.data import open_data
    from veilseg.evaluation.evaluate import evaluate
    from veilseg.evaluation.provenance import provenance
    from veilseg.evaluation.report import class_table, input_name, result_table, write_json
    from veilseg.files import check_output
    from veilseg.runtime import Segmenter

    models = model or ["default"]
    if protocol is not None:
        wanted = find_protocol(protocol)
        given: dict[str, Any] = {"block": block, "sub_block": sub_block, **({} if wanted.keyed else {"key": key})}
        _refuse_with_protocol(
            **given,
            longer_side=longer_side,
            json=json_file,
            any_input=any_input or None,
            per_class=per_class or None,
            device=None if device == "cpu" else device,
        )
        if output is None:
            raise UsageError("a protocol needs a folder for its results", "name it with -o DIR")
        settings = ProtocolSettings(
            models=tuple(models),
            data=open_data(data, split),
            source={"spec": data, "split": split},
            out=output,
            cipher=cipher or DEFAULT_MODEL_CIPHER,
            count=count or wanted.count,
            seed=seed,
            key_of_models=load_key(key) if wanted.keyed else None,
            limit=limit,
            window=window,
            threads=threads,
        )
        Console(highlight=False, markup=False).print(run_protocol(protocol, settings).table())
        return
    if len(models) > 1 or output is not None or count is not None:
        raise UsageError("several models, -o and --count belong to a --protocol", "--protocol keys, for example")
    if json_file is not None:
        check_output(json_file, overwrite=force)
    segmenter = Segmenter(models[0], threads=threads, window=window, device=device, longer_side=longer_side)
    chosen = own_cipher(segmenter.config.input, cipher, block, sub_block)
    if chosen == "plain":
        if key is not None:
            raise UsageError("plain images have no key", "leave --key out, or choose a --cipher")
        secret = None
    else:
        # A model's key is asked for by `evaluate`, whose hint fits: a new key would not help here.
        secret = load_key(key) if chosen.key_use == "required" else key_for(chosen, key)
    dataset = open_data(data, split)
    result = evaluate(segmenter, dataset, chosen, secret, limit=limit, check=not any_input)
    for doubt in result.doubts():
        show_warning(doubt)
    console = Console(highlight=False, markup=False)
    console.print(
        result_table(
            [(input_name(result.input), result)], title=f"{segmenter.name} on {result.data}, {result.images} images"
        )
    )
    if per_class:
        console.print(class_table(result))
    if json_file is not None:
        facts = provenance(seed=getattr(dataset, "seed", None))
        figures = result.to_dict()
        figures["data"] = {"spec": data, "split": split, **figures["data"]}
        write_json(
            json_file,
            {**facts, "model": segmenter.name, "training": segmenter.config.training, **figures},
            overwrite=force,
        )


def _refuse_with_protocol(**given: object) -> None:
    """A protocol decides about inputs itself."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"a protocol has no --{name.replace('_', '-')}", "leave it out")
