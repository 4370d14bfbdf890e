"""What a check or a cell can come out as, and the record that every report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from converters.errors import ContractError

Metric = float | int | str | bool | None


class Outcome(StrEnum):
    """How a check or cell ended. There is no silent skip and no boolean."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    UNDECIDED = "UNDECIDED"  # measured, and the measurement cannot tell; the reason says what would
    CRASHED = "CRASHED"
    TIMED_OUT = "TIMED_OUT"
    UNSUPPORTED = "UNSUPPORTED"  # the toolkit says so
    NOT_RUN = "NOT_RUN"  # no such device or data here; the reason says what would make it run
    BLOCKED = "BLOCKED"  # an earlier step of the same cell failed


SEVERITY: tuple[Outcome, ...] = (
    Outcome.PASSED,
    Outcome.NOT_RUN,
    Outcome.UNSUPPORTED,
    Outcome.BLOCKED,
    Outcome.UNDECIDED,
    Outcome.FAILED,
    Outcome.TIMED_OUT,
    Outcome.CRASHED,
)
"""From best to worst; a cell is as bad as its worst required check.

UNDECIDED is the last before FAILED: a missing device excuses, data that might hide a failure do not.
"""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of some outcomes. No outcome at all is FAILED: nothing compared proves nothing."""
    return max(outcomes, key=SEVERITY.index, default=Outcome.FAILED)


@dataclass(frozen=True)
class Check:
    """One question asked of a cell. `reasons` says in words why it is not PASSED; metric names carry units."""

    name: str  # parity, accuracy, precision, size, latency, placement, ...
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    required: bool = True  # an optional check (accuracy without labelled data) does not colour the cell

    def __post_init__(self) -> None:
        if self.outcome is not Outcome.PASSED and not self.reasons:
            raise ContractError(f"check {self.name}: {self.outcome} needs a reason")


@dataclass(frozen=True)
class Cell:
    """(source model, route, precision, runtime) and what became of it."""

    model: str
    framework: str
    route: str
    precision: str
    runtime: str
    target: str  # the artifact's format
    artifact: str  # file name in the bundle; empty when none was made
    checks: tuple[Check, ...]

    @property
    def id(self) -> str:
        """`<model>_<framework>_<route>_<precision>@<runtime>`."""
        return f"{self.model}_{self.framework}_{self.route}_{self.precision}@{self.runtime}"

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the required checks."""
        return worst(check.outcome for check in self.checks if check.required)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason of every required check that did not pass, worst check first."""
        bad = [check for check in self.checks if check.required and check.outcome is not Outcome.PASSED]
        bad.sort(key=lambda check: SEVERITY.index(check.outcome), reverse=True)
        return tuple(f"{check.name}: {reason}" for check in bad for reason in check.reasons)

    @property
    def metrics(self) -> dict[str, Metric]:
        """All metrics as `<check>.<metric>`."""
        return {f"{check.name}.{name}": value for check in self.checks for name, value in check.metrics.items()}
