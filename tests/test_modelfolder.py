"""Finding a model: shipped, in a folder, on the Hub; and saying what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_onnx import tiny_model
from veilseg import modelfolder
from veilseg.errors import InvalidModelError, UsageError
from veilseg.modelfolder import find_folder, find_model


def test_a_folder_with_onnx_weights_needs_no_torch(tmp_path: Path) -> None:
    found = find_model(tiny_model(tmp_path / "m"))
    assert (found.engine, found.folder) == ("onnx", tmp_path / "m")
    assert found.config is not None
    assert found.config.num_classes == 11


def test_torch_weights_serve_where_they_are_all_there_is_or_asked_for(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"")
    assert find_model(folder).engine == "onnx"
    assert find_model(folder, "torch").engine == "torch"
    (folder / "model.onnx").unlink()
    assert find_model(folder).engine == "torch"
    with pytest.raises(InvalidModelError, match="no weights for onnx") as caught:
        find_model(folder, "onnx")
    assert "export" in (caught.value.hint or "")


def test_shipped_names_come_before_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tiny_model(tmp_path / "somewhere")
    monkeypatch.setattr(modelfolder, "shipped_models", lambda: {"default": shipped})
    assert find_model("default").folder == shipped
    with pytest.raises(InvalidModelError, match="no model 'defualt'") as caught:
        find_model("defualt")
    assert "default" in (caught.value.hint or "")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match="no model"):
        find_model(tmp_path / "nowhere" / "at" / "all")
    with pytest.raises(InvalidModelError, match=r"config\.json"):
        find_model(tmp_path)
    folder = tiny_model(tmp_path / "m")
    (folder / "model.onnx").unlink()
    with pytest.raises(InvalidModelError, match="holds no weights"):
        find_model(folder)
    with pytest.raises(UsageError, match="engine"):
        find_model(folder, "cuda")


def test_folders_of_other_libraries_run_in_torch(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architecture": "convnext_atto"}')
    found = find_model(tmp_path)
    assert (found.engine, found.folder, found.config) == ("torch", tmp_path, None)
    with pytest.raises(InvalidModelError, match="model of timm"):
        find_model(tmp_path, "onnx")


def test_hub_ids_are_left_to_the_torch_side() -> None:
    assert find_model("somebody/some-model").engine == "torch"


def test_a_mistake_in_a_path_is_not_asked_at_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    with pytest.raises(InvalidModelError, match="there is no model 'models/nope'"):
        find_model("models/nope")
    with pytest.raises(InvalidModelError, match="there is no model 'models/nope'"):
        find_folder("models/nope")
