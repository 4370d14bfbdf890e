"""Planned cells and their verdicts, from what was done for them so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converters import registry
from converters.errors import EdgeExportError
from pipeline.checks.gates import Gates
from pipeline.checks.outcome import Cell
from pipeline.driver import Driver, Result
from pipeline.plan import Plan, PlannedCell
from pipeline.stages.judge import Subject, judge_task, read_cell
from pipeline.task import Task


def judge(
    plan: Plan, cells: Sequence[PlannedCell], results: Mapping[str, Result], driver: Driver, gates: Gates
) -> list[Cell]:
    """Cells of a plan with their verdicts; what failed on the way is a verdict too.

    What was not done yet is not asked for: neither how fast a file is nor what its layers do.
    """
    tasks = [_judge_task(plan, cell, gates, results) for cell in cells]
    judged = driver.run(tasks)
    found = []
    for task in tasks:
        result = judged[task.name]
        if result.entry is None:
            assert result.error is not None
            raise result.error
        found.append(read_cell(result.entry))
    return found


def _judge_task(plan: Plan, cell: PlannedCell, gates: Gates, results: Mapping[str, Result]) -> Task:
    steps = {
        "source": plan.sources[cell.route.framework],
        "reference": plan.references[cell.route.framework],
        "artifact": cell.artifact,
        "inspection": cell.inspection,
        "measurement": cell.measurement,
        "baseline": cell.baseline,
    }
    steps |= {"timing": cell.timing} if cell.timing else {}
    steps |= {"home": cell.home} if cell.home else {}
    steps |= {"drift": cell.drift} if isinstance(cell.drift, Task) else {}
    steps |= {"origin": cell.origin} if isinstance(cell.origin, Task) else {}
    done = {name: results[task.name] for name, task in steps.items() if task.name in results}
    have = {name: steps[name] for name, result in done.items() if result.entry is not None}
    errors = {name: result.error for name, result in done.items() if name not in have}
    errors |= {"drift": cell.drift} if isinstance(cell.drift, EdgeExportError) else {}
    device = cell.runtime.device
    subject = Subject(
        model=plan.model,
        framework=cell.route.framework.value,
        route=cell.route.name,
        precision=cell.route.precision,
        runtime=cell.runtime.name,
        target=cell.route.target.value,
        file=cell.file,
        home=cell.home_runtime if cell.home else "",
        on_device=device is not None,
        arithmetic=registry.arithmetic(cell.runtime),
        emulated=device.name if device and device.emulated else "",
        timed=cell.runtime.timed,
    )
    return judge_task(subject, gates, have, {name: error for name, error in errors.items() if error is not None})
