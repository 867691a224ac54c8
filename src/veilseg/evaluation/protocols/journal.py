"""What a protocol has measured so far, on disk after every step, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veilseg.errors import InvalidDataError
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.files import make_folder


class Journal:
    """Named steps and their results, in one JSON file beside where they come from."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path, self._content = path, content

    @classmethod
    def open(cls, path: Path, protocol: str, settings: ProtocolSettings) -> Journal:
        """The journal at `path`, or a new one. Raises InvalidDataError when it is of a run with other settings."""
        wanted = json.loads(json.dumps(settings.to_dict()))
        fresh = {"protocol": protocol, "settings": wanted, **provenance(seed=settings.seed), "steps": {}}
        if not path.exists():
            make_folder(path.parent)
            return cls(path, fresh)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            same = found["settings"] == wanted and isinstance(found["steps"], dict)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidDataError(f"{path} is no protocol's journal", "choose another output folder") from error
        if not same:
            raise InvalidDataError(
                f"{path} is of a run with other settings", "choose another output folder for this one"
            )
        return cls(path, {**fresh, "steps": found["steps"]})

    def step(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of the step `name`: read, or worked out and written down."""
        steps: dict[str, dict[str, Any]] = self._content["steps"]
        if name not in steps:
            steps[name] = work()
            write_json(self._path, self._content)
        return steps[name]

    def conclude(self, summary: dict[str, Any], published: Any = None) -> None:
        """Write down what follows from the steps, and the paper's numbers."""
        self._content.update(summary=summary, published=published)
        write_json(self._path, self._content)
