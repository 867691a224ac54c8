"""The published protocols, one file each: what to measure, in which order, and the paper's numbers beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from veilseg.errors import UsageError
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.report import Comparison


@dataclass(frozen=True)
class Protocol:
    """How many keys or pictures are usual, and whether the models were trained for a key, which must be given."""

    count: int = 50
    keyed: bool = False


#: To add one, add a line, and a module of that name with `run(settings, journal) -> Comparison`.
PROTOCOLS: dict[str, Protocol] = {
    "keys": Protocol(),
    "random-keys": Protocol(),
    "conventional": Protocol(keyed=True),
    "independent-keys": Protocol(),
    "figure": Protocol(count=4),
}


def find_protocol(name: str) -> Protocol:
    """The protocol `name`. Raises UsageError for an unknown one."""
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol {name!r}", f"one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def run_protocol(name: str, settings: ProtocolSettings) -> Comparison:
    """Run the protocol `name`, write NAME.json and its figures into `settings.out`, and return what is for people.

    What an earlier, interrupted run with the same settings has measured is read from NAME.json, not measured again.
    Raises UsageError for unknown names and for settings that the protocol cannot use.
    """
    find_protocol(name)
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    found: Comparison = module.run(settings, Journal.open(settings.out / f"{name}.json", name, settings))
    return found


__all__ = ["PROTOCOLS", "Protocol", "ProtocolSettings", "find_protocol", "run_protocol"]
