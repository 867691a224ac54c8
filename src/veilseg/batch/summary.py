"""How it went: one task's outcome, and the summary of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from veilseg.errors import VeilsegError


@dataclass(frozen=True)
class Outcome:
    """How it went with one input: its address, why it has no output (None: it has one), whether that existed.

    remark: what there is to say of the output, where it is the only one.
    """

    name: str
    error: VeilsegError | None = None
    skipped: bool = False
    remark: str | None = field(default=None, compare=False)


@dataclass
class Summary:
    """How many inputs were done, skipped (their outputs existed), tried in vain, and not tried (the service was gone).

    And what looked like an input and was none, with the reason.
    """

    done: int = 0
    skipped: int = 0
    failed: int = 0
    not_tried: int = 0
    left_out: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        if outcome.error is not None:
            self.failed += 1
        elif outcome.skipped:
            self.skipped += 1
        else:
            self.done += 1

    @property
    def complete(self) -> bool:
        """Whether every input has its output."""
        return not (self.failed or self.not_tried or self.left_out)

    def counts(self) -> str:
        """All numbers in one line."""
        parts = [f"{self.done} done"]
        parts += [f"{self.skipped} skipped (they exist; --force does them again)"] if self.skipped else []
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.not_tried} not tried"] if self.not_tried else []
        parts += [f"{len(self.left_out)} left out"] if self.left_out else []
        return ", ".join(parts)
