"""One route to each file, by measurement, and its proof; the proof is dear, so that only what would be taken has it.

Of files that several routes lead to, first what is cheap: does each run, and are its outputs right? Those that pass are
timed side by side, and what wins is proved: layer by layer, and where that holds, on other kernels and devices, with
its latency. Where it fails, the next one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from converters.contract import Precision
from converters.errors import EdgeExportError, ToolkitError
from pipeline import evidence
from pipeline.checks.choice import Choice, Entrant, Race, choose
from pipeline.checks.gates import Gates, LatencyGate
from pipeline.checks.latency import Comparison, compare
from pipeline.checks.outcome import Cell, Outcome
from pipeline.config import Limits
from pipeline.driver import Driver, Result
from pipeline.entries import read_artifact
from pipeline.plan import Plan, PlannedCell, proofs
from pipeline.report.figures import figures
from pipeline.stages.validate import latency_task
from pipeline.task import Task
from pipeline.verdicts import judge

_REFUTED = (Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT)
"""What no other kernel and no clock mends: those are asked only where nothing better is left."""
Results = Mapping[str, Result]
Subject = tuple[str, str, str, str]
"""One file: what a framework's model becomes for a target, in a precision, on a home runtime."""


@dataclass(frozen=True)
class Shipped:
    """What is left of a plan, all of it or of the routes to one file the best: its cells, and why each was taken."""

    plan: Plan
    cells: list[Cell]
    choices: tuple[Choice, ...]
    results: Results


@dataclass
class _Contest:
    """The routes to one file, the cells of each, and the verdicts on them as far as they go."""

    subject: Subject
    routes: dict[str, list[PlannedCell]] = field(default_factory=dict)
    verdicts: dict[str, list[Cell]] = field(default_factory=dict)
    looked: set[str] = field(default_factory=set)
    proved: set[str] = field(default_factory=set)
    choice: Choice | None = None

    def at_home(self, route: str) -> PlannedCell:
        """The cell of a route on its home runtime."""
        return next(cell for cell in self.routes[route] if cell.home is None)


def opening(plan: Plan) -> list[Task]:
    """What is done before anything is chosen: all of what stands alone, of rivals what is cheap."""
    contests = _contests(plan)
    alone = [cell for contest in contests if len(contest.routes) == 1 for cell in next(iter(contest.routes.values()))]
    homes = [contest.at_home(route) for contest in _rivalries(contests) for route in contest.routes]
    cheap = [task for cell in homes for task in (cell.inspection, cell.measurement)]
    return [*plan.first(), *cheap, *proofs(alone)] if plan.best else plan.tasks()


def prove(plan: Plan, results: Results, driver: Driver, gates: Gates, limits: Limits) -> Shipped:
    """What is shipped of a plan of which the opening is done, proved and judged.

    Where several routes lead to one file and the plan asks for the best, the fastest that passes every gate is taken;
    the others have verdicts as far as it takes to know that they are not.
    """
    if not plan.best:
        return Shipped(plan, judge(plan, plan.cells, results, driver, gates), (), results)
    rivalries = _rivalries(_contests(plan))
    for contest in rivalries:
        homes = [contest.at_home(route) for route in contest.routes]
        judged = judge(plan, homes, results, driver, gates)
        contest.verdicts = {route: [cell] for route, cell in zip(contest.routes, judged, strict=True)}
    waiting = rivalries
    while waiting:
        for contest in waiting:
            race = _race(plan, contest, driver, gates.latency.racing, limits)
            entrants = [_entrant(plan, contest, route, results) for route in contest.routes]
            contest.choice = choose(contest.subject, entrants, race, gates.latency.race_within)
        waiting = [contest for contest in waiting if _taken(contest) not in contest.proved]
        fresh = [contest for contest in waiting if _taken(contest) not in contest.looked]
        homes = [contest.at_home(_taken(contest)) for contest in fresh]
        looks = [task for cell in homes for task in (cell.origin, cell.drift) if isinstance(task, Task)]
        results = driver.run(looks, results)
        for contest, cell in zip(fresh, judge(plan, homes, results, driver, gates), strict=True):
            contest.verdicts[_taken(contest)] = [cell]
            contest.looked.add(_taken(contest))
        refuted = {contest.subject for contest in fresh if contest.verdicts[_taken(contest)][0].outcome in _REFUTED}
        whole = [contest for contest in waiting if contest.subject not in refuted]
        picked = [cell for contest in whole for cell in contest.routes[_taken(contest)]]
        results = driver.run(proofs(picked), results)
        for contest in whole:
            route = _taken(contest)
            contest.verdicts[route] = judge(plan, contest.routes[route], results, driver, gates)
            contest.proved.add(route)
    taken = {contest.subject: _taken(contest) for contest in rivalries}
    kept = tuple(cell for cell in plan.cells if taken.get(_subject(cell), cell.route.name) == cell.route.name)
    shipped = replace(plan, cells=kept)
    cells = judge(shipped, kept, results, driver, gates)
    return Shipped(shipped, cells, tuple(_with_latency(contest) for contest in rivalries), results)


def _contests(plan: Plan) -> list[_Contest]:
    found: dict[Subject, _Contest] = {}
    for cell in plan.cells:
        contest = found.setdefault(_subject(cell), _Contest(_subject(cell)))
        contest.routes.setdefault(cell.route.name, []).append(cell)
    return list(found.values())


def _rivalries(contests: Sequence[_Contest]) -> list[_Contest]:
    return [contest for contest in contests if len(contest.routes) > 1]


def _subject(cell: PlannedCell) -> Subject:
    return cell.route.framework.value, cell.route.target.value, cell.route.precision.value, cell.home_runtime


def _taken(contest: _Contest) -> str:
    assert contest.choice is not None
    return contest.choice.route


def _entrant(plan: Plan, contest: _Contest, route: str, results: Results) -> Entrant:
    cells, proved = contest.verdicts[route], route in contest.proved
    entry = results[contest.at_home(route).artifact.name].entry
    outcomes = tuple(cell.outcome for cell in cells)
    if route not in contest.looked and entry is not None and _left_to_layers(plan, contest, cells):
        outcomes = (Outcome.UNDECIDED,)
    return Entrant(
        route=route,
        artifact=cells[0].artifact,
        outcomes=outcomes,
        reasons=tuple(f"{reason} (in {cell.runtime})" for cell in cells for reason in cell.reasons),
        size_bytes=read_artifact(entry).size_bytes if entry else 0,
        proved=proved,
    )


def _left_to_layers(plan: Plan, contest: _Contest, cells: Sequence[Cell]) -> bool:
    """Whether a verdict may yet be UNDECIDED: made-up inputs alone missed the gate, and nobody saw the layers."""
    missed = {check.name for cell in cells for check in cell.checks if check.required and not _excused(check.outcome)}
    return missed == {"parity"} and plan.data is None and contest.subject[2] != Precision.FP32


def _excused(outcome: Outcome) -> bool:
    return outcome in (Outcome.PASSED, Outcome.NOT_RUN)


def _with_latency(contest: _Contest) -> Choice:
    """The choice with the milliseconds of what was timed beside its own fp32 file."""
    assert contest.choice is not None
    p50 = {route: figures(cells[0]).p50 for route, cells in contest.verdicts.items()}
    return replace(
        contest.choice,
        candidates=tuple(replace(one, latency_ms_p50=p50[one.route]) for one in contest.choice.candidates),
    )


def _race(plan: Plan, contest: _Contest, driver: Driver, gate: LatencyGate, limits: Limits) -> Race | None:
    """Times two routes' files on their home runtime; None where that tells no time."""
    runtime = contest.at_home(next(iter(contest.routes))).runtime
    if not all(contest.at_home(route).timing for route in contest.routes):
        return None
    longer = replace(limits, latency_budget_s=limits.race_budget_s)

    def race(one: str, other: str) -> Comparison | EdgeExportError:
        a, b = contest.at_home(one), contest.at_home(other)
        name = f"race {a.file} against {b.file}@{runtime.name}"
        reference = plan.references[a.route.framework]
        task = latency_task(a.artifact, b.artifact, reference, runtime, longer, name=name, racing=True)
        result = driver.run([task])[task.name]
        if result.entry is None:
            return result.error or ToolkitError(f"{name} gave no result")
        return compare(evidence.read_timings(result.entry), gate)

    return race
