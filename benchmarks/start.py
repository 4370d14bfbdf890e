"""How soon the tool answers: whole processes, from start to end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop, command, started
from converters.errors import ToolkitError

HELP_GOAL_S, RERUN_GOAL_S = 0.3, 1.0
RUNS = 9


def help_figures(workshop: Workshop) -> Iterator[Figure]:
    """`edge-export --help`."""
    yield Figure("help", "edge-export --help", _median(workshop, ["--help"]), HELP_GOAL_S, "s", f"median of {RUNS}")


def rerun_figures(workshop: Workshop) -> Iterator[Figure]:
    """The run of the reference model to tflite, again, when nothing changed: 20 cells of two frameworks."""
    workshop.report()
    out = ["--workspace", str(workshop.workspace), "--out", str(workshop.folder / "dist")]
    seconds = _median(workshop, ["run", "--target", "tflite", *out], said="package: nothing to do")
    yield Figure("rerun", "unchanged re-run of 20 cells", seconds, RERUN_GOAL_S, "s", f"median of {RUNS}")


def _median(workshop: Workshop, arguments: list[str], said: str = "") -> float:
    """Seconds; the first start, which may compile what it imports, does not count."""
    seconds = []
    for _ in range(RUNS + 1):
        took, done = started(command(*arguments), workshop.folder, capture_output=True)
        if done.returncode not in (0, 1) or said not in done.stdout + done.stderr:
            raise ToolkitError(f"edge-export {' '.join(arguments)} ended otherwise than expected: {done.stderr[-500:]}")
        seconds.append(took)
    return statistics.median(seconds[1:])
