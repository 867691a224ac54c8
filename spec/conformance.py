"""Check another implementation against the vectors of encrypted images: `python spec/conformance.py COMMAND...`.

COMMAND is run once per file, as `COMMAND... FILE` or `COMMAND... FILE KEYFILE`. Without a key it writes the header's
text, a line feed, and the stored values to standard output (row by row, R, G, B; 16-bit values big-endian); with a key
the decrypted image's values. It exits with 0, or with 3 to refuse. Every other status is a crash. Needs Python alone.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "vectors"
REFUSED = 3
SECONDS = 60


@dataclass(frozen=True)
class Case:
    """A file, the content of a key file, and the output: None where the command must refuse."""

    name: str
    file: bytes
    key: str | None
    expected: bytes | None


def cases() -> list[Case]:
    """All cases of container.json, and the key files of keys.json with a file that the key opens."""

    def file(entry: dict[str, Any]) -> bytes:
        return base64.b64decode(entry["file"])

    images, keys = (json.loads((VECTORS / f"{name}.json").read_text("utf-8")) for name in ("container", "keys"))
    found = []
    for one in images["valid"]:
        expected = one["header"].encode() + b"\n" + base64.b64decode(one["stored"])
        found.append(Case(f"valid: {one['name']}", file(one), None, expected))
    found += [Case(f"invalid: {one['why']}", file(one), None, None) for one in images["invalid"]]
    for one in images["decrypted"]:
        found.append(Case(f"decrypted: {one['name']}", file(one), one["key"], base64.b64decode(one["plain"])))
    found += [Case(f"wrong key: {one['why']}", file(one), one["key"], None) for one in images["wrong_key"]]
    shown = images["decrypted"][0]
    for one in keys["files"]:
        found.append(Case(f"key file: {one['why']}", file(shown), one["text"], base64.b64decode(shown["plain"])))
    found += [Case(f"invalid key file: {one['why']}", file(shown), one["text"], None) for one in keys["invalid_files"]]
    return found


def problem(command: list[str], case: Case) -> str | None:
    """What is wrong with how the command handles the case; None where it is right."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, "image.png")]
        paths[0].write_bytes(case.file)
        if case.key is not None:
            paths.append(Path(folder, "my.key"))
            paths[1].write_bytes(case.key.encode())
            paths[1].chmod(0o600)
        try:
            done = subprocess.run([*command, *map(str, paths)], capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"took longer than {SECONDS} seconds"
    if done.returncode not in (0, REFUSED):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"crashed with status {done.returncode} {last}".rstrip()
    if done.returncode == REFUSED:
        return None if case.expected is None else "was refused"
    if case.expected is None:
        return "was not refused"
    return None if done.stdout == case.expected else "has other values or another header"


def main(command: list[str]) -> int:
    """Run all cases; 0 if the command is right about each."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    todo = cases()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = list(pool.map(lambda case: problem(command, case), todo))
    for case, found in zip(todo, problems, strict=True):
        if found is not None:
            print(f"{case.name}: {found}")
    wrong = sum(found is not None for found in problems)
    print(f"{len(todo) - wrong} of {len(todo)} cases are right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
