"""The published protocols, one file each: what to measure, in which order, and the paper's numbers beside ours."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from veilseg.errors import UsageError
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.plan import Plan

if TYPE_CHECKING:
    from rich.table import Table

#: name: (module, what it repeats). To add one, add a file with `run(plan, journal) -> Table` and a line.
PROTOCOLS: dict[str, tuple[str, str]] = {
    "keys": ("keys", "[P2] Table 1: correct key, no encryption, wrong key"),
    "random-keys": ("random_keys", "[P2] Fig. 6: many wrong keys, as a box plot"),
    "conventional": ("conventional", "[P2] Table 2: networks trained on images under SHF, NP and FFX"),
    "independent-keys": ("independent_keys", "[P1] Table II: plain against s = 16, 8, 4"),
    "figure": ("figure", "pictures of ciphers and maps side by side"),
}


def run_protocol(name: str, plan: Plan) -> Table:
    """Run the protocol `name`, write NAME.json and its figures into `plan.out`, and return the table for people.

    What an earlier, interrupted run with the same settings has measured is read from NAME.json, not measured again.
    Raises UsageError for unknown names and for plans that the protocol cannot use.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol {name!r}", f"one of {', '.join(PROTOCOLS)}")
    module = import_module(f"veilseg.evaluation.protocols.{PROTOCOLS[name][0]}")
    table: Table = module.run(plan, Journal.open(plan.out / f"{name}.json", name, plan))
    return table


__all__ = ["PROTOCOLS", "Plan", "run_protocol"]
