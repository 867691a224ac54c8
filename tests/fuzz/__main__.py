"""The fuzzers: `python -m tests.fuzz [TARGET...] --cases N`. Status 1 when something was found; it is kept and named.

container, photograph, label, answer, config, recipe, key and tokens are read in this process, guided by coverage
(atheris); requests go to a real service, responses come to a real client.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzz.seeds import CORPUS, ROOT, seeds
from tests.fuzz.targets import TARGETS
from tests.fuzz.traffic import TRAFFIC
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

_LONGEST = 4096  # bytes of an input
_SECONDS = 20  # for one case
_MEMORY = 3000  # MiB


@dataclass
class Run:
    """One target's run. `findings`: what went wrong, in a line each."""

    target: str
    cases: int
    seconds: float
    findings: list[str]


def run_guided(name: str, cases: int, seed: int, kept: Path, *, minimise: bool) -> Run:
    """Run a target in a process of its own; what is found lies in the folder `kept`."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus, smallest = Path(folder, "corpus"), Path(folder, "smallest")
        corpus.mkdir()
        smallest.mkdir()
        for index, data in enumerate(seeds(name)):
            (corpus / str(index)).write_bytes(data)
        limits = [f"-max_len={_LONGEST}", f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEMORY}"]
        settings = [f"-runs={cases}", f"-seed={seed}", "-print_final_stats=1", f"-artifact_prefix={kept}/{name}-"]
        done = _libfuzzer(name, *limits, *settings, str(corpus))
        found = re.search(r"number_of_executed_units: +(\d+)", done.stderr)
        if found is None:
            raise RuntimeError(f"the fuzzer did not run: {done.stderr[-2000:]}")
        findings = [] if done.returncode == 0 else said_of(done.stdout + done.stderr)
        run = Run(name, int(found[1]), round(time.monotonic() - begun, 1), findings)
        if minimise:
            _libfuzzer(name, *limits, "-merge=1", str(smallest), str(corpus))
            _keep(name, [path.read_bytes() for path in sorted(smallest.iterdir())])
    return run


def _libfuzzer(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = with_own_peak([sys.executable, "-m", "tests.fuzz.guided", *arguments])
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)


def with_own_peak(command: list[str]) -> list[str]:
    """The command, run by a shell that waits for it, so that its peak of memory is its own.

    Linux counts what a process held before exec(2) in its peak, and a child of a large process begins as large.
    libFuzzer reads that peak, and would report a leak where pytest has grown.
    """
    return ["sh", "-c", '"$@"; exit $?', "sh", *command]


def said_of(output: str) -> list[str]:
    """What libFuzzer and Python say of a finding."""
    said = re.findall(
        r"^(?:\w*Error\b.*|.*Exception:.*|ALARM: .*|==\d+== ?ERROR: .*|artifact_prefix=.*)$", output, re.M
    )
    return said or [output[-300:]]


def _keep(name: str, inputs: list[bytes]) -> None:
    """Write inputs that reach something new into the committed corpus, without those that are seeds anyway."""
    corpus = json.loads(CORPUS.read_text()) if CORPUS.exists() else {}
    made = set(seeds(name))
    corpus[name] = [base64.b64encode(data).decode() for data in inputs if data not in made and len(data) <= 1024]
    CORPUS.write_text(json.dumps(corpus, indent=0) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the targets that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    names = [*TARGETS, *TRAFFIC]
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--cases", type=int, default=10_000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="the folder for what is found")
    parser.add_argument("--minimise", action="store_true", help="write the inputs that reach new code to the corpus")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    given = parser.parse_args(arguments)
    given.keep.mkdir(exist_ok=True)
    found = False
    for name in given.targets or names:
        if name in TRAFFIC:
            begun = time.monotonic()
            cases, findings = TRAFFIC[name](given.cases, given.seed, given.keep.resolve())
            run = Run(name, cases, round(time.monotonic() - begun, 1), findings)
        else:
            run = run_guided(name, given.cases, given.seed, given.keep.resolve(), minimise=given.minimise)
        print(f"{run.target}: {run.cases} cases in {run.seconds} s, {len(run.findings)} findings", flush=True)
        for finding in run.findings:
            print(f"  {finding}")
        found = found or bool(run.findings)
        if given.json:
            _record(
                run, given.json, f"python -m tests.fuzz {name} --cases {given.cases} --seed {given.seed}", given.seed
            )
    return 1 if found else 0


def _record(run: Run, file: Path, command: str, seed: int) -> None:
    """Add a run to a file of runs, with where it comes from."""
    runs = json.loads(file.read_text())["runs"] if file.exists() else []
    runs.append({**asdict(run), **provenance(command, seed)})
    write_json(file, {"cases": sum(each["cases"] for each in runs), "runs": runs}, overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
