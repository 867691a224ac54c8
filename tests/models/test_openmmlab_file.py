"""OpenMMLab's checkpoints are pickles: they are read as data, and nothing in them runs."""

from __future__ import annotations

import collections
import datetime
import functools
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.models.openmmlab_reference import HEADS, pixels, random_state, saved
from veilseg.errors import InvalidModelError
from veilseg.models.openmmlab.convert import import_openmmlab


class Payload:
    """What a malicious checkpoint would hold: an object that makes a directory when it is unpickled."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def test_pickles_run_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("trap.py").write_text("import os\nos.mkdir('pwned')\nclass Trap: pass\n")
    trap = type("Trap", (), {"__module__": "trap", "__qualname__": "Trap"})
    monkeypatch.setitem(sys.modules, "trap", SimpleNamespace(Trap=trap))  # present only while it is pickled
    state = random_state("naive")
    trapped = saved(tmp_path / "trap.pth", state, meta=trap())
    monkeypatch.delitem(sys.modules, "trap")
    call = "__import__('os').mkdir('pwned')"
    harmless = [trapped] + [
        saved(tmp_path / f"{number}.pth", state, meta={"time": payload})
        for number, payload in enumerate((
            Payload(eval, (call,)), Payload(exec, (call,)), Payload(subprocess.check_call, (["mkdir", "pwned"],)),
            Payload(getattr, (Payload(__import__, ("os",)), "mkdir")), Payload(functools.partial, (eval, call)),
            Payload(collections.OrderedDict, (), {"a": Payload(eval, (call,))}),
        ))
    ]  # fmt: skip
    import_openmmlab(saved(tmp_path / "plain.pth", state), heads=HEADS)  # imports parts of torch that have a list, too
    known = set(torch.serialization.get_safe_globals())
    for path in harmless:
        import_openmmlab(path, heads=HEADS)
        assert not Path("pwned").exists()
    assert "trap" not in sys.modules
    assert set(torch.serialization.get_safe_globals()) == known
    for payload in (Payload(os.mkdir, ("pwned",)), Payload(Path.mkdir, (Path("pwned"),))):  # os; what a call gave
        with pytest.raises(InvalidModelError, match="could run code") as caught:
            import_openmmlab(saved(tmp_path / "a.pth", state, optimizer=payload), heads=HEADS)
        assert "weights_only" not in str(caught.value.hint)  # what was refused is not to be opened otherwise
    torch.save({"meta": Payload(eval, (call,))}, "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(InvalidModelError, match="could run code"):
        import_openmmlab("old.pth")
    torch.save(Payload(eval, (call,)), "object.pth")
    with pytest.raises(InvalidModelError, match="no state_dict"):
        import_openmmlab("object.pth")
    assert not Path("pwned").exists()


class History:
    """As mmengine's HistoryBuffer: arrays and numbers of numpy."""

    def __init__(self) -> None:
        self.log, self.best, self.when = np.arange(3.0), np.float64(0.5), datetime.datetime.now()


def test_checkpoints_of_a_training_are_read(tmp_path: Path) -> None:
    state, images = random_state("naive"), pixels(64, 64)
    plain = import_openmmlab(saved(tmp_path / "a.pth", state), heads=HEADS)
    hub = {"log_scalars": collections.OrderedDict(loss=History())}
    meta = {"CLASSES": list("abcde"), "hook_msgs": {"best": np.float64(0.5)}, "seed": np.arange(2)}
    model = import_openmmlab(saved(tmp_path / "b.pth", state, message_hub=hub, meta=meta), heads=HEADS)
    assert torch.equal(model(images), plain(images))
    assert model.config.classes == tuple("abcde")


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.pth", random_state("naive")).read_bytes()
    old = tmp_path / "old.pth"
    torch.save(random_state("naive"), old, _use_new_zipfile_serialization=False)
    contents = (b"", b"<html>404</html>", b"\x80\x02", bytes(5000), whole[: len(whole) // 2], old.read_bytes()[:5000])
    for content in (*contents, pickle.dumps({"a": 1}, 2)):
        old.write_bytes(content)
        with pytest.raises(InvalidModelError, match="no checkpoint, or only a part"):
            import_openmmlab(old)
