"""The choice of a route: all that were weighed in a line, and a row for each with what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.checks.choice import TWICE, Candidate, Choice
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


def beside(choice: Choice) -> str:
    """Every route in few words, the one taken first: `litert fastest, onnx-tflite +5.0%, onnx-onnx2tf FAILED`."""
    return ", ".join(f"{one.route} {_place(one, choice)}".rstrip() for one in _taken_first(choice))


def _taken_first(choice: Choice) -> list[Candidate]:
    return sorted(choice.candidates, key=lambda one: one.route != choice.route)


def _place(one: Candidate, choice: Choice) -> str:
    if one.route == choice.fastest:
        return "fastest"
    if one.ratio_low is not None and one.ratio_low <= 1:  # surely faster than the fastest: their races contradict
        return "equal"
    if one.ratio is not None:
        return f"{one.ratio:.1f}x" if one.ratio >= TWICE else f"{signed(100 * (one.ratio - 1), 2, plus=True)}%"
    return one.outcome if one.outcome is not Outcome.PASSED else ""


def rows(choice: Choice) -> tuple[ChoiceRow, ...]:
    """The chosen route first."""
    return tuple(_rows(choice, _taken_first(choice)))


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
