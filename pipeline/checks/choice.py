"""Which of several routes to one file is taken: the fastest that passes every gate; within noise, the smallest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from converters.errors import EdgeExportError
from pipeline.checks.latency import Comparison
from pipeline.checks.outcome import SEVERITY, Outcome, worst

TWICE = 2
_EXCUSED = {Outcome.PASSED, Outcome.NOT_RUN}
_EVERY, _SUPPORTED = "every gate", "every gate where it is supported"
Race = Callable[[str, str], Comparison | EdgeExportError]
"""Times the file of one route beside that of another, interleaved: the first one's time to the second's."""


@dataclass(frozen=True)
class Entrant:
    """A route's file with its verdict: `outcomes` and `reasons` of all its cells, the median of a call where timed.

    Of one that is not `proved` only what is cheap was asked: it may pass that and fail the rest.
    """

    route: str
    artifact: str  # empty where none was made
    outcomes: tuple[Outcome, ...]
    reasons: tuple[str, ...]
    size_bytes: int
    latency_ms_p50: float | None = None
    proved: bool = True

    @property
    def passes(self) -> bool:
        """Whether a cell passed, and each passed or had no device here."""
        return Outcome.PASSED in self.outcomes and set(self.outcomes) <= _EXCUSED

    @property
    def passes_where_supported(self) -> bool:
        """The same, but a device whose toolkit says that it cannot is no fault of the file."""
        return Outcome.PASSED in self.outcomes and set(self.outcomes) <= {*_EXCUSED, Outcome.UNSUPPORTED}

    @property
    def outcome(self) -> Outcome:
        """PASSED where it passes, NOT_RUN where that is not proved, else the worst of its cells."""
        passed = Outcome.PASSED if self.proved else Outcome.NOT_RUN
        return passed if self.passes else worst(self.outcomes)


@dataclass(frozen=True)
class Candidate:
    """A route that was weighed. `ratio` is its time to the fastest one's with the interval; None where not timed."""

    route: str
    artifact: str
    outcome: Outcome
    size_bytes: int
    latency_ms_p50: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    says: str


@dataclass(frozen=True)
class Choice:
    """The route that a file was taken from, and why; `fastest` is what ratios are to, empty where nothing was timed."""

    framework: str
    target: str
    precision: str
    runtime: str
    route: str
    fastest: str
    reason: str
    candidates: tuple[Candidate, ...]


def choose(subject: tuple[str, str, str, str], entrants: Sequence[Entrant], race: Race | None, margin: float) -> Choice:
    """The choice among routes to one file.

    Args:
        subject: framework, target, precision, and the runtime that tells which is fastest.
        entrants: two or more, in the order that settles what nothing else does.
        race: times one against another; None where the runtime's seconds say nothing.
        margin: what two differ by at most to be within noise.
    """
    passing, gates = [entrant for entrant in entrants if entrant.passes], _EVERY
    if not passing:
        passing, gates = [entrant for entrant in entrants if entrant.passes_where_supported], _SUPPORTED
    those = f"that pass {gates}" if all(one.proved for one in passing) else f"whose outputs pass, and it passes {gates}"
    raced: dict[str, Comparison | EdgeExportError] = {}
    leader = min(passing, key=_seconds) if passing else _least_bad(entrants)
    if race and len(passing) > 1:
        leader, raced = _fastest(passing, leader, race, margin)
    near = [e for e in passing if e is leader or _near(raced.get(e.route), margin)] if raced else passing
    chosen = min(near, key=lambda entrant: entrant.size_bytes, default=leader)
    reason = _reason(chosen, leader, len(entrants), len(passing), len(near), subject[3], those, timed=bool(raced))
    if any(isinstance(found, Comparison) and _faster(found, margin) for found in raced.values()):
        reason = f"the smallest of {len(near)} whose races on {subject[3]} contradict each other: none is the fastest"
    told = (
        _candidate(one, chosen, leader, raced.get(one.route), reason, margin, timed=bool(raced)) for one in entrants
    )
    return Choice(*subject, chosen.route, leader.route if raced else "", reason, tuple(told))


def _fastest(
    passing: Sequence[Entrant], leader: Entrant, race: Race, margin: float
) -> tuple[Entrant, dict[str, Comparison | EdgeExportError]]:
    """The one that none is surely faster than, and how each other compares with it; who was beaten leads no more.

    No pair is raced twice: where the lead changes, what is known of two is turned round.
    """
    beaten: set[str] = set()
    known: dict[tuple[str, str], Comparison | EdgeExportError] = {}
    while True:
        raced: dict[str, Comparison | EdgeExportError] = {}
        for other in passing:
            if other is leader:
                continue
            pair = other.route, leader.route
            found = known[pair] if pair in known else race(*pair)
            raced[other.route] = known[pair] = found
            known[pair[::-1]] = found.turned() if isinstance(found, Comparison) else found
            if other.route not in beaten and isinstance(found, Comparison) and _faster(found, margin):
                beaten.add(leader.route)
                leader = other
                break
        else:
            return leader, raced


def _faster(found: Comparison, margin: float) -> bool:
    return found.decision == "faster" and not found.found.within(margin)


def _near(found: Comparison | EdgeExportError | None, margin: float) -> bool:
    """Whether it is not surely slower by more than what two sessions of one file differ by."""
    return isinstance(found, Comparison) and (found.decision != "slower" or found.found.within(margin))


def _seconds(entrant: Entrant) -> float:
    return math.inf if entrant.latency_ms_p50 is None else entrant.latency_ms_p50


def _least_bad(entrants: Iterable[Entrant]) -> Entrant:
    """The nearest to a file that passes: one that is there and can be looked into before one that never was."""
    return min(entrants, key=lambda one: (not one.artifact, SEVERITY.index(one.outcome)))


def _reason(
    chosen: Entrant, leader: Entrant, of: int, passing: int, near: int, runtime: str, those: str, *, timed: bool
) -> str:
    if not passing:
        return f"none of {of} routes passes {_EVERY}; this one is the least bad" + (
            "" if chosen.artifact else ", and makes no file"
        )
    if passing == 1:
        return f"the only one of {of} routes {those.replace('pass ', 'passes ', 1)}"
    if not timed:
        return f"{runtime} tells no latency: the smallest of {passing} {those}"
    if near == 1:
        return f"the fastest on {runtime} of {passing} {those}"
    if chosen is leader:
        return f"as fast on {runtime} as any of {passing} {those}, and the smallest within noise"
    return f"within noise of the fastest on {runtime}, {leader.route}, and smaller"


def _candidate(
    one: Entrant,
    chosen: Entrant,
    leader: Entrant,
    found: Comparison | EdgeExportError | None,
    reason: str,
    margin: float,
    *,
    timed: bool,
) -> Candidate:
    ratio = found.found if isinstance(found, Comparison) else None
    if one is chosen:
        says = f"chosen: {reason}"
    elif not (one.passes or (one.passes_where_supported and not chosen.passes)):
        says = f"rejected, {one.outcome}: {one.reasons[0] if one.reasons else 'it has no cell'}"
    elif one is leader and timed:
        says = "the fastest, and the larger one within noise"
    elif isinstance(found, Comparison):
        says = _told(found, leader.route, near=_near(found, margin))
    elif found is not None:
        says = f"could not be timed beside {leader.route}: {found}"
    else:
        says = "larger"
    if not one.proved and one.artifact:
        says = f"{says}; not proved any further"
    bounded = ratio if ratio and math.isfinite(ratio.high) else None
    return Candidate(
        route=one.route,
        artifact=one.artifact,
        outcome=one.outcome,
        size_bytes=one.size_bytes,
        latency_ms_p50=one.latency_ms_p50,
        ratio=ratio.ratio if ratio else None,
        ratio_low=bounded.low if bounded else None,
        ratio_high=bounded.high if bounded else None,
        says=says,
    )


def _told(found: Comparison, leader: str, *, near: bool) -> str:
    if near:
        return f"within noise of {leader}, and larger"
    ratio = found.found.ratio
    return (
        f"takes {ratio:.1f} times as long as {leader}" if ratio >= TWICE else f"slower than {leader} by {ratio - 1:.1%}"
    )
