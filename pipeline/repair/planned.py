"""The problem of a model of the pipeline: float file, calibration samples and test data, made or taken as stored."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from safetensors.numpy import load_file

from converters.contract import Precision
from converters.errors import DataError, ToolkitError, UsageError
from converters.worker import WorkerPool
from pipeline import evidence
from pipeline.config import Configs
from pipeline.display import ConsoleDisplay
from pipeline.driver import Driver, Result
from pipeline.entries import read_artifact
from pipeline.plan import Plan, PlannedCell, make_plan
from pipeline.repair.problem import Problem, judged_by, quantizer
from pipeline.request import Request
from pipeline.stages.convert import CALIBRATION
from pipeline.store import Entry
from pipeline.task import Task, worker_limits
from pipeline.workspace import open_workspace


def of_model(request: Request, workspace: Path, configs: Configs) -> Problem:
    """The problem of a request for one framework and one target; every step that is stored is taken as it is.

    Raises:
        UsageError: several files would come of it.
        DataError: the model has no data to be judged by.
        EdgeExportError: a step that failed.
    """
    plan = make_plan(request, configs)
    floats, calibrations = _only(plan)
    if plan.data is None:
        raise DataError("the model has no data to be judged by: give --data, a folder of images or an .npz")
    reference = plan.references[floats.route.framework]
    console = Console(stderr=True, highlight=False)
    with (
        ConsoleDisplay(console) as display,
        open_workspace(workspace, " ".join(["edge-export", *sys.argv[1:]]), display.warn) as store,
        WorkerPool(store.root / "logs", worker_limits(configs.limits)) as pool,
    ):
        tasks = [floats.artifact, calibrations, reference]
        results = Driver(store, pool, display, 2).run(tasks)
        made, samples, tested = (_entry(results[task.name]) for task in tasks)
    source, arrays = read_artifact(made), load_file(tested.file(evidence.TEST))
    inputs = {name.removeprefix(evidence.INPUT): v for name, v in arrays.items() if name.startswith(evidence.INPUT)}
    return judged_by(source, quantizer(source), samples.file(CALIBRATION), inputs, arrays.get("label"))


def _entry(result: Result) -> Entry:
    if result.entry is None:
        raise result.error or ToolkitError(f"{result.task.name} gave no result")
    return result.entry


def _only(plan: Plan) -> tuple[PlannedCell, Task]:
    """The float cell of a plan, and the task that draws the calibration samples of the int8 one beside it.

    Of several routes to one file it is the first, as `edge-export routes` lists them, that makes int8.
    """
    floats = {cell.artifact.name: cell for cell in plan.cells if cell.route.precision is Precision.FP32}
    if len({(cell.route.framework, cell.route.target) for cell in floats.values()}) != 1:
        names = ", ".join(cell.file for cell in floats.values()) or "no float file"
        raise UsageError(f"repair takes one file, this is {names}: name one --framework and one --target")
    for cell in floats.values():
        for other in plan.cells:
            if other.route.name == cell.route.name and "calibration" in other.artifact.needs:
                return cell, other.artifact.needs["calibration"]
    made = ", ".join(cell.file for cell in floats.values())
    raise UsageError(f"no route makes int8 of {made}, so that there is nothing to repair")
