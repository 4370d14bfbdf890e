"""The checks of steps that were not made: what raised, by what it raised, and what had to wait for it."""

from __future__ import annotations

from collections.abc import Iterable

from converters.errors import EdgeExportError, ToolkitCrash, ToolkitTimeout, UnavailableError, UnsupportedError
from pipeline.checks.outcome import Check, Outcome


def failed(name: str, error: EdgeExportError, *, required: bool = True) -> Check:
    """The check of a step that raised."""
    return Check(name, outcome_of(error), (str(error) or type(error).__name__,), required=required)


def blocked(names: Iterable[str], by: str) -> tuple[Check, ...]:
    """Checks that could not be made because of an earlier step, which is itself in the verdict and required."""
    return tuple(Check(name, Outcome.BLOCKED, (f"`{by}` did not succeed",), required=False) for name in names)


def outcome_of(error: EdgeExportError) -> Outcome:
    """What an error makes of the step that raised it. Anything without an outcome of its own is FAILED."""
    for kind, outcome in (
        (UnsupportedError, Outcome.UNSUPPORTED),
        (ToolkitTimeout, Outcome.TIMED_OUT),
        (ToolkitCrash, Outcome.CRASHED),
        (UnavailableError, Outcome.NOT_RUN),
    ):
        if isinstance(error, kind):
            return outcome
    return Outcome.FAILED
