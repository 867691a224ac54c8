"""Settings: the command line before the environment before the defaults, and what is refused."""

from __future__ import annotations

import inspect
import math
import pickle
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from tests.service import HTTP, encrypted, running
from veilseg.cli import serve
from veilseg.errors import UsageError
from veilseg.server.settings import PREFIX, Limits, Settings, parse_models


def test_the_command_line_wins_over_the_environment(model: Path, tmp_path: Path) -> None:
    environment = {
        f"{PREFIX}MODELS": f"street={model} other={model}",
        f"{PREFIX}PIXELS": "1000",
        f"{PREFIX}BODY": "2MiB",
        f"{PREFIX}PORT": "1",
    }
    with running(tmp_path, "--pixels", "100000", environment=environment) as service:
        assert service.post(encrypted()).status_code == 200  # which has more than 1000 pixels
        said = HTTP.get(f"{service.url}/v1/model").json()
    assert said["models"] == ["street", "other"]
    assert (said["limits"]["image_pixels"], said["limits"]["body_bytes"]) == (100_000, 2 << 20)


def test_the_environment_wins_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MODELS": "a=x models/b",
        "TOKENS": "t.json",
        "QUEUE": "7",
        "MEMORY": "1GiB",
        "TIMEOUT": "2.5",
        "BATCH": "",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    monkeypatch.setenv("VEILSEG_PORT", "tcp://10.0.0.1:8000")  # what Kubernetes sets for a service called veilseg
    settings = Settings()
    assert settings.models == {"a": "x", "b": "models/b"}
    assert settings.tokens == Path("t.json")
    limits = settings.limits
    assert (limits.queue, limits.memory, limits.batch) == (7, 1 << 30, 4)
    assert Settings(models={"c": "y"}, limits=Limits(queue=8)).limits.queue == 8
    monkeypatch.delenv(f"{PREFIX}QUEUE")
    assert pickle.loads(pickle.dumps(settings)) == settings, "as replicas get it, on machines of another environment"


@pytest.mark.parametrize(
    ("name", "value"), [("QUEUE", "many"), ("QUEUE", "0"), ("DEVICE", "tpu"), ("BODY", "1 furlong")]
)
def test_what_the_environment_says_wrongly_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(UsageError, match=f"the setting {name.lower()} is '{value}'") as caught:
        Settings()
    assert f"{PREFIX}{name}" in str(caught.value.hint)


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan])
def test_limits_are_numbers_above_zero(timeout: float) -> None:
    with pytest.raises(UsageError, match="timeout"):
        Limits(timeout=timeout)


def test_a_setting_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="no setting 'ques'"):
        Limits(ques=3)  # type: ignore[call-arg]


def test_the_help_says_the_defaults() -> None:
    fields = {**Settings.model_fields, **Limits.model_fields}
    hints = get_type_hints(serve.command, include_extras=True)
    for name in fields.keys() & hints.keys():
        option: Any = get_args(hints[name])[1]
        if "[" in option.help:
            default, shown = fields[name].default, option.help.rpartition("[")[2].rstrip("]")
            wanted = {"body": "32", "memory": "512", "timeout": "60", "threads": "one per core"}.get(name, str(default))
            assert shown == wanted, name
            assert inspect.signature(serve.command).parameters[name].default is None, name
    assert (Limits().body, Limits().memory, Limits().timeout) == (32 << 20, 512 << 20, 60)


def test_names_of_models() -> None:
    assert Settings().models == {"default": "default"}
    assert parse_models(["a=x/y", "models/street/"]) == {"a": "x/y", "street": "models/street/"}
    for wrong in (["="], ["a="], ["x/a", "y/a"]):
        with pytest.raises(UsageError):
            parse_models(wrong)
