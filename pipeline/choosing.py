"""One route to each file, by measurement: files of all routes are judged, those that pass are timed side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from converters.errors import EdgeExportError, ToolkitError
from pipeline import evidence
from pipeline.checks.choice import Choice, Entrant, Race, choose
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import Comparison, compare
from pipeline.checks.outcome import Cell
from pipeline.config import Limits
from pipeline.driver import Driver, Result
from pipeline.entries import read_artifact
from pipeline.plan import Plan, PlannedCell
from pipeline.report.figures import figures
from pipeline.stages.validate import latency_task

Judged = tuple[PlannedCell, Cell]
Subject = tuple[str, str, str, str]


def choose_routes(
    plan: Plan,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    driver: Driver,
    gate: LatencyGate,
    limits: Limits,
) -> tuple[Plan, list[Cell], tuple[Choice, ...]]:
    """What is shipped of a judged plan, all of it or of the routes to one file the best, and why each was taken.

    One file is what a framework's model becomes for a target, in a precision, on a home runtime.
    """
    judged = list(zip(plan.cells, cells, strict=True))
    if not plan.best:
        return plan, list(cells), ()
    groups: dict[Subject, list[Judged]] = {}
    for pair in judged:
        groups.setdefault(_subject(pair), []).append(pair)
    taken: dict[Subject, str] = {}
    choices = []
    for subject, group in groups.items():
        routes = list(dict.fromkeys(cell.route for _, cell in group))
        taken[subject] = routes[0]
        if len(routes) > 1:
            timed = _race(plan, group, driver, gate, limits)
            choice = choose(subject, [_entrant(r, group, results) for r in routes], timed, gate.equal_within)
            choices.append(choice)
            taken[subject] = choice.route
    kept = [pair for pair in judged if pair[1].route == taken[_subject(pair)]]
    shipped = replace(plan, cells=tuple(planned for planned, _ in kept))
    return shipped, [cell for _, cell in kept], tuple(choices)


def _subject(pair: Judged) -> Subject:
    planned, cell = pair
    return cell.framework, cell.target, cell.precision, planned.home_runtime


def _entrant(route: str, group: Sequence[Judged], results: Mapping[str, Result]) -> Entrant:
    mine = [(planned, cell) for planned, cell in group if cell.route == route]
    planned, home = mine[0]
    entry = results[planned.artifact.name].entry
    bad = [f"{reason} (in {cell.runtime})" for _, cell in mine for reason in cell.reasons]
    return Entrant(
        route=route,
        artifact=home.artifact,
        outcomes=tuple(cell.outcome for _, cell in mine),
        reasons=tuple(bad),
        size_bytes=read_artifact(entry).size_bytes if entry else 0,
        latency_ms_p50=figures(home).p50,
    )


def _race(plan: Plan, group: Sequence[Judged], driver: Driver, gate: LatencyGate, limits: Limits) -> Race | None:
    """Times two routes' files on their home runtime; None where that tells no time."""
    first = group[0][0]
    if first.timing is None:
        return None
    at_home = {cell.route: planned for planned, cell in group if planned.runtime == first.runtime}
    longer = replace(limits, latency_budget_s=limits.race_budget_s)

    def race(one: str, other: str) -> Comparison | EdgeExportError:
        a, b = at_home[one], at_home[other]
        name = f"race {a.file} against {b.file}@{first.runtime.name}"
        reference = plan.references[a.route.framework]
        task = latency_task(a.artifact, b.artifact, reference, first.runtime, longer, name=name)
        result = driver.run([task])[task.name]
        if result.entry is None:
            return result.error or ToolkitError(f"{name} gave no result")
        return compare(evidence.read_timings(result.entry), gate)

    return race
