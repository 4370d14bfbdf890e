"""A figure beside its goal, and how it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pipeline.checks.outcome import Outcome


@dataclass(frozen=True)
class Figure:
    """One number that must not pass its goal; `value` is None where it was not measured.

    A goal of infinity is none: the figure is told.
    `detail` says how it was measured, or why it was not and what would make it.
    """

    name: str  # of the group, for --only
    what: str
    value: float | None
    goal: float
    unit: str
    detail: str = ""
    broken: bool = False  # measuring it failed

    @property
    def outcome(self) -> Outcome:
        """PASSED up to the goal, NOT_RUN without a value; NaN and a failed measurement are FAILED."""
        if self.broken:
            return Outcome.FAILED
        if self.value is None:
            return Outcome.NOT_RUN
        return Outcome.PASSED if self.value <= self.goal else Outcome.FAILED

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; a value that is no number is its text."""
        value = self.value if self.value is None or math.isfinite(self.value) else str(self.value)
        return {
            "name": self.name,
            "what": self.what,
            "value": value,
            "goal": self.goal if math.isfinite(self.goal) else None,
            "unit": self.unit,
            "outcome": self.outcome.value,
            "detail": self.detail,
        }


_WORDS = {Outcome.PASSED: "PASS", Outcome.FAILED: "FAIL", Outcome.NOT_RUN: "NOT_RUN"}


def line(figure: Figure) -> str:
    """One line for a person: verdict, what, value beside goal, how it was measured."""
    value = "-" if figure.value is None else _number(figure.value, figure.unit)
    goal = f"<= {_number(figure.goal, figure.unit)}" if math.isfinite(figure.goal) else "(no goal)"
    return f"{_WORDS[figure.outcome]:<8}{figure.what:<58}{value:>12}  {goal:<12}  {figure.detail}".rstrip()


def exit_code(figures: list[Figure]) -> int:
    """1 when a goal was missed or nothing at all was measured; what was not run is said and misses no goal."""
    outcomes = {figure.outcome for figure in figures}
    return 0 if outcomes and outcomes <= {Outcome.PASSED, Outcome.NOT_RUN} else 1


def _number(value: float, unit: str) -> str:
    digits = f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()
