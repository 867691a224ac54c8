"""The command `veilseg`: picks the verb, runs it, and turns every error into `error: ...` and `hint: ...`.

A verb is a function `command` in a module of its own, or a table of several. It is imported only when it is called, so
that the client's verbs start fast.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from veilseg.cli.messages import show_error, warnings_said_once
from veilseg.errors import UsageError, VeilsegError

#: Every verb with its module and its line in `veilseg --help`. To add one, add a file and a line.
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("veilseg.cli.demo", "see the main job end to end, and write a page with pictures"),
    "keygen": ("veilseg.cli.keygen", "make a key"),
    "encrypt": ("veilseg.cli.encrypt", "encrypt photographs"),
    "decrypt": ("veilseg.cli.decrypt", "get photographs back, where a key exists"),
    "inspect": ("veilseg.cli.inspect", "say what an encrypted image gives away, or what a model is"),
    "segment": ("veilseg.cli.segment", "segment encrypted images here, or photographs by a service"),
    "serve": ("veilseg.cli.serve", "answer HTTP requests with encrypted images"),
    "token": ("veilseg.cli.token", "make, list and revoke the tokens of a service's clients"),
    "data": ("veilseg.cli.data", "check a dataset, or make one of photographs with masks"),
    "init": ("veilseg.cli.init", "write a recipe for a dataset"),
    "train": ("veilseg.cli.train", "train a model"),
    "evaluate": ("veilseg.cli.evaluate", "measure a model: aAcc, mIoU, mAcc"),
    "encrypt-model": ("veilseg.cli.encrypt_model", "encrypt a model with a key"),
    "rekey-model": ("veilseg.cli.rekey_model", "give an encrypted model a new key"),
    "import-openmmlab": ("veilseg.cli.import_openmmlab", "convert a SETR checkpoint of OpenMMLab"),
    "audit": ("veilseg.cli.audit", "measure what encrypted images give away"),
    "bench": ("veilseg.cli.bench", "measure speed on this machine"),
    "export": ("veilseg.cli.export", "export a model to ONNX"),
}
#: Packages by the extra that they come with, for the hint when one is missing.
EXTRAS = {
    "run": "onnxruntime",
    "serve": "fastapi uvicorn h11 python_multipart prometheus_client starlette pydantic pydantic_settings",
    "video": "av",
    "buckets": "fsspec",
    "data": "pycocotools",
    "ray": "ray pyarrow",
    "train": "torch torchvision timm lightning safetensors huggingface_hub onnx onnxscript yaml matplotlib",
    "audit": "skimage scipy cv2 rapidocr_onnxruntime",
    "hf": "transformers",
}
#: What a verb's module calls `command`: a function, or functions by the word that comes after the verb.
Command = Callable[..., Any] | Mapping[str, Callable[..., Any]]
EXIT_INTERRUPTED = 130
#: What shells ask by for the words that may come next: the script that `veilseg --completion` prints sets it.
COMPLETION_VARIABLE = "_VEILSEG_COMPLETE"
MIN_WIDTH = 40  # characters of a table


def main(argv: Sequence[str] | None = None) -> int:
    """Run `veilseg` with `argv` (default: the process's arguments) and return the exit code; errors go to stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    has_stdout = sys.stdout is not None
    _take_streams()
    _take_width()
    with warnings.catch_warnings():
        warnings.showwarning = warnings_said_once()
        try:
            code = _run(arguments)
            sys.stdout.flush()
            return code
        except VeilsegError as error:
            show_error(error.message, error.hint)
            return error.exit_code
        except KeyboardInterrupt:
            if argv is None:  # another Ctrl-C while Python ends
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            # The reader has gone, e.g. `| head`. Python must not try to flush into the closed pipe at exit.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
            return 1
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            extra = next((extra for extra, packages in EXTRAS.items() if package in packages.split()), None)
            if extra is None:
                raise
            from veilseg.install import install_hint

            show_error(f"this needs the package {error.name}", install_hint(extra))
            return 1
        except MemoryError:
            show_error("not enough memory", "use smaller images")
            return 1
        except OSError as error:
            if error.errno == errno.EBADF and not has_stdout:
                show_error("there is no stdout to write to", "send it to a file, or to /dev/null")
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
                return 1
            where = f"{error.filename}: " if error.filename else ""
            show_error(f"{where}{error.strerror or error}")
            return 1


def _take_streams() -> None:
    """Where a process was started without stdin, stdout or stderr, no file that is opened later may become them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # stdout for reading: whoever has a result for it learns that nobody gets it.
            opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            os.dup2(opened, number)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))


def _take_width() -> None:
    """A terminal of no width, as some programs claim it with COLUMNS, would lose the tables."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) < MIN_WIDTH:
        os.environ["COLUMNS"] = str(MIN_WIDTH if int(columns) else 80)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["--completion"]:
        from veilseg.cli.completion import print_script

        print_script(" ".join(arguments[1:]), VERBS)
        return 0
    if COMPLETION_VARIABLE in os.environ:
        from veilseg.cli.completion import answer

        answer(VERBS)
        return 0
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview(), file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from veilseg.cli.version import print_version

        print_version(arguments[1:])
        return 0
    verb = arguments[0]
    if verb not in VERBS:
        import difflib

        near = difflib.get_close_matches(verb, VERBS, 1)
        raise UsageError(
            f"there is no verb {verb!r}", f"did you mean {near[0]!r}?" if near else "`veilseg --help` lists the verbs"
        )
    module = importlib.import_module(VERBS[verb][0])
    return _call(verb, module.command, module.__doc__ or "", arguments[1:])


def _call(verb: str, command: Command, about: str, arguments: list[str]) -> int:
    """Parse the arguments by the function's annotations, and call it; `about` is the help of several."""
    import typer

    # Plain help and plain errors: formatting by rich would take longer than encrypting a photograph.
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
    if callable(command):
        app.command(help=_help(command.__doc__ or ""), context_settings=settings)(command)
    else:
        app.callback(help=_help(about), context_settings=settings)(lambda: None)
        for name, function in command.items():
            app.command(name, help=_help(function.__doc__ or ""), context_settings=settings)(function)
    try:
        result = app(arguments, prog_name=f"veilseg {verb}", standalone_mode=False)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except Exception as error:
        # Errors of usage are click's, and where click lives differs between versions of typer.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        raise UsageError(_sentence(message()), f"`veilseg {verb} --help` shows an example") from error
    return result if isinstance(result, int) else 0


def _help(docstring: str) -> str:
    """Keep the line breaks of indented paragraphs (the examples): click's mark for that is a line with a backspace."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    return "\n\n".join(f"\b\n{part}" if re.search(r"^ {2,}\S", part, re.MULTILINE) else part for part in paragraphs)


def _sentence(message: str) -> str:
    return (message[:1].lower() + message[1:]).rstrip(".")


def _overview() -> str:
    width = max(map(len, VERBS)) + 2
    verbs = "\n".join(f"  {verb:<{width}}{short}" for verb, (_, short) in VERBS.items())
    return (
        "usage: veilseg VERB [OPTIONS] [ARGUMENTS]\n\n"
        "Semantic segmentation of visually encrypted images: the server sees a mosaic.\n\n"
        f"{verbs}\n\n"
        "`veilseg VERB --help` shows the options and an example; `veilseg --version [--json]` the version;\n"
        '`eval "$(veilseg --completion bash)"`, zsh or fish, completes words.\n\n'
        "  veilseg encrypt photo.jpg -o encrypted.png\n"
        "  veilseg segment encrypted.png -o labels.png"
    )


if __name__ == "__main__":
    sys.exit(main())
