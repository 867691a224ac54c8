"""Which way imports run: rooms know only rooms below them, nothing runs in circles, and the client never loads torch.

cli, server, cluster -> evaluation, audit, training -> models, runtime, data -> ciphers -> container -> keys,
files, errors
"""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from veilseg.cli.main import VERBS

PACKAGE = Path(veilseg.__file__).parent
#: Height of every room (top-level module or package): imports go down, or stay within one height.
HEIGHTS = {
    **dict.fromkeys(["cli", "server", "cluster"], 7),
    **dict.fromkeys(["audit", "training"], 6),
    **dict.fromkeys(["batch", "evaluation"], 5),
    **dict.fromkeys(["models", "runtime", "data"], 4),
    **dict.fromkeys(["ciphers", "client", "modelspec", "modelfolder"], 3),
    "container": 2,
    **dict.fromkeys(["keys", "images", "png"], 1),
    **dict.fromkeys(["files", "errors", "parameters"], 0),
}
#: Packages that only those rooms may name whose work needs them.
HEAVY = {
    *("torch", "torchvision", "timm", "transformers", "lightning"),
    *("onnx", "onnxscript", "safetensors", "huggingface_hub", "ray", "fsspec"),
}
TORCH_ROOMS = {"models", "training", "audit", "cluster"}


def module_name(path: Path) -> str:
    parts = ("veilseg", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str, *, eager: bool = False) -> set[str]:
    """Every module that the source of `name` imports, wherever it stands, also for types alone; eager: only those that
    run on import.
    """
    tree = ast.parse(MODULES[name].read_text())
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if eager and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if eager and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            # `from package import thing`: the thing itself where it is a module, else the package.
            found.update(f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names)
    return found


def room(module: str) -> str | None:
    """The room of one of our modules; None for the root, which holds only the version and lazy names, and for foreign
    modules.
    """
    parts = module.split(".")
    return parts[1] if parts[0] == "veilseg" and len(parts) > 1 else None


def test_every_room_has_a_height() -> None:
    rooms = {room(name) for name in MODULES} - {None}
    assert rooms >= {"cli", "ciphers", "container", "keys", "errors"}
    assert rooms <= HEIGHTS.keys(), "a new room: give it a height above"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    here = room(name)
    if here is None:
        return
    for target in imports(name):
        there = room(target)
        if there is not None and there != here:
            assert HEIGHTS[there] <= HEIGHTS[here], f"{name} imports {target}, which stands above it"


def test_no_circles_between_modules() -> None:
    """On import, that is: inside one room a method may reach for its neighbour when it is called (save_pretrained
    does).
    """
    graph = {name: {target for target in imports(name, eager=True) if target in MODULES} - {name} for name in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' -> '.join(error.args[1])}")


def test_no_circles_between_rooms() -> None:
    """Late imports inside functions count here."""
    graph: dict[str, set[str]] = {}
    for name in MODULES:
        here = room(name)
        if here is not None:
            graph.setdefault(here, set()).update({room(target) or here for target in imports(name)} - {here})
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"rooms import one another: {' -> '.join(error.args[1])}")


def test_torch_is_named_at_the_top_only_where_it_is_at_home() -> None:
    for name in MODULES:
        if room(name) not in TORCH_ROOMS:
            eager = {target.partition(".")[0] for target in imports(name, eager=True)}
            assert not eager & HEAVY, f"{name} imports {sorted(eager & HEAVY)} when it is imported"


def loaded(code: str, cwd: Path) -> set[str]:
    """The top-level modules in a fresh Python after running `code`."""
    tail = "\nimport sys as _s; print('LOADED', *sorted({m.partition('.')[0] for m in _s.modules}))"
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


def run_verb(*arguments: str) -> str:
    return f"from veilseg.cli.main import main\nassert main({list(arguments)!r}) == 0"


def test_the_package_starts_light(tmp_path: Path) -> None:
    modules = loaded("import veilseg", tmp_path)
    assert not modules & {*HEAVY, "onnxruntime", "numba", "PIL", "rich", "typer", "httpx"}


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_starts_light(verb: str | None, tmp_path: Path) -> None:
    modules = loaded(run_verb(*([verb] if verb else []), "--help"), tmp_path)
    assert not modules & {*HEAVY, "onnxruntime", "numba", "llvmlite", "scipy", "rich", "httpx"}


def test_the_clients_verbs_never_load_torch(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    for arguments in (
        ["keygen", "-o", "my.key"],
        ["encrypt", "photo.png", "-o", "sorted.png"],
        ["encrypt", "photo.png", "-o", "veiled.png", "--cipher", "subblock-shuffle", "--key", "my.key"],
        ["decrypt", "veiled.png", "-o", "plain.png", "--key", "my.key"],
        ["inspect", "veiled.png"],
    ):
        modules = loaded(run_verb(*arguments), tmp_path)
        assert not modules & {*HEAVY, "onnxruntime"}, arguments


def test_the_ciphers_and_the_container_never_load_torch(tmp_path: Path) -> None:
    modules = loaded(
        "import veilseg.ciphers, veilseg.container, veilseg.runtime, veilseg.modelspec, veilseg.data", tmp_path
    )
    assert not modules & {*HEAVY, "onnxruntime", "numba"}


def test_help_is_fast(tmp_path: Path) -> None:
    """Processor time of the best of three, since the machine may have other work: well under a second."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "veilseg.cli.main", "encrypt", "--help"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.7
