"""The choice of a route in words: one line for each file, and a row for each route that was weighed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.checks.choice import Candidate, Choice
from pipeline.checks.outcome import Outcome
from pipeline.report.text import signed, size


@dataclass(frozen=True)
class ChoiceRow:
    """A route that was weighed, as the tables of the reports show it."""

    route: str
    outcome: Outcome
    chosen: bool
    size: str
    latency: str
    ratio: str  # to the fastest: `1.12 (1.10 to 1.15)`
    says: str


def subject(choice: Choice) -> str:
    """`torch → tflite int8`."""
    return f"{choice.framework} → {choice.target} {choice.precision}"


def line(choice: Choice) -> str:
    """`torch → tflite int8: by litert, the fastest ...; onnx-onnx2tf slower than litert by 6.0 %`."""
    others = [f"{one.route} {one.says}" for one in choice.candidates if one.route != choice.route]
    return f"{subject(choice)}: by {choice.route}, {choice.reason}; {'; '.join(others)}"


def rows(choice: Choice) -> tuple[ChoiceRow, ...]:
    """The chosen route first."""
    return tuple(_rows(choice, sorted(choice.candidates, key=lambda one: one.route != choice.route)))


def _rows(choice: Choice, candidates: Iterable[Candidate]) -> Iterable[ChoiceRow]:
    for one in candidates:
        ratio = "" if one.ratio is None else signed(one.ratio, 3)
        if one.ratio_low is not None and one.ratio_high is not None:
            ratio += f" ({signed(one.ratio_low, 3)} to {signed(one.ratio_high, 3)})"
        yield ChoiceRow(
            route=one.route,
            outcome=one.outcome,
            chosen=one.route == choice.route,
            size=size(one.size_bytes) if one.size_bytes else "",
            latency="" if one.latency_ms_p50 is None else f"{signed(one.latency_ms_p50, 3)} ms",
            ratio="1" if one.route == choice.fastest else ratio,
            says=one.says,
        )
