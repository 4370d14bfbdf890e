"""How outcomes look and read, the same in every report: a symbol and a word, so that no colour is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.checks.outcome import SEVERITY, Cell, Outcome
from pipeline.report.document import Report


@dataclass(frozen=True)
class Mark:
    """`symbol` and `phrase` ("3 failed"), the css `tone`, the terminal `style`, and what the outcome `means`."""

    symbol: str
    phrase: str
    tone: str
    style: str
    means: str


MARKS: dict[Outcome, Mark] = {
    Outcome.PASSED: Mark("✓", "passed", "good", "green", "every required check was made and passed its gate"),
    Outcome.UNDECIDED: Mark("≈", "undecided", "idle", "yellow", "measured, but too little to tell pass from failure"),
    Outcome.FAILED: Mark("✗", "failed", "bad", "bold red", "a gate was not met, or nothing could be compared"),
    Outcome.CRASHED: Mark("▲", "crashed", "bad", "bold red", "the toolkit's process died"),
    Outcome.TIMED_OUT: Mark("◷", "timed out", "bad", "bold red", "the toolkit passed its time limit"),
    Outcome.UNSUPPORTED: Mark("—", "unsupported", "idle", "yellow", "the toolkit says that it cannot do this"),
    Outcome.NOT_RUN: Mark("∅", "did not run", "idle", "yellow", "a device, package or data set is not here"),
    Outcome.BLOCKED: Mark("⊘", "blocked", "idle", "yellow", "an earlier step of the same cell did not end well"),
}
BAD = (Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.UNDECIDED)
"""What makes a run red: the reasons are each cell's own."""
UNPROVED = (Outcome.NOT_RUN, Outcome.UNSUPPORTED, Outcome.BLOCKED)
READING_ORDER = (Outcome.PASSED, *(outcome for outcome in reversed(SEVERITY) if outcome is not Outcome.PASSED))
"""What passed, then the rest from the worst on."""


def headline(report: Report) -> str:
    """The verdict in one sentence. What did not run is never counted as passed."""
    total, passed = len(report.cells), report.counts[Outcome.PASSED]
    if not total:
        return "Nothing was compared, so nothing is proved"
    if passed == total:
        return "The one cell passed" if total == 1 else f"All {total} cells passed"
    others = [
        f"{report.counts[outcome]} {MARKS[outcome].phrase}" for outcome in READING_ORDER[1:] if report.counts[outcome]
    ]
    return f"{passed} of {total} cells passed, {', '.join(others)}"


def worst_first(cells: Iterable[Cell], among: tuple[Outcome, ...] = BAD) -> list[Cell]:
    """The cells whose outcome is one of `among`, the worst first, else in the order given."""
    return sorted((c for c in cells if c.outcome in among), key=lambda cell: -SEVERITY.index(cell.outcome))


def cell_name(cell: Cell) -> str:
    """`torch · litert · int8 @ litert-xnnpack`."""
    return f"{cell.framework} · {cell.route} · {cell.precision} @ {cell.runtime}"
