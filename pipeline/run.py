"""One run from request to bundle: plan, work, judge, report. The command line says only what it is told here."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from converters import registry
from converters.errors import UnavailableError, UsageError
from converters.worker import WorkerPool
from pipeline.bundle import require_place
from pipeline.choosing import opening, prove
from pipeline.config import load_model
from pipeline.configs import load_configs
from pipeline.display import STAGES, ConsoleDisplay
from pipeline.driver import Driver, Result, State, ends_the_run, reason_to_run
from pipeline.entries import read_artifact, read_facts
from pipeline.plan import Plan, make_plan
from pipeline.publish import publish, say
from pipeline.request import Request
from pipeline.stages.train import PACKAGES
from pipeline.store import Store
from pipeline.task import Task, worker_limits
from pipeline.workspace import open_workspace


@dataclass(frozen=True)
class Options:
    """How a run is done, as against what it makes. `until` is train, convert or report."""

    until: str
    out: Path
    workspace: Path
    force: tuple[str, ...] = ()
    configs: Path | None = None
    gates: Path | None = None
    own_gates: Mapping[str, Any] | None = None  # of a project file
    jobs: int = 2
    as_json: bool = False
    verbose: bool = False


def execute(request: Request, options: Options) -> int:
    """Does a run and says what came of it; returns the exit code.

    Raises:
        EdgeExportError: what keeps the whole run from going on.
    """
    for stage in options.force:
        if stage not in (*STAGES, "all"):
            raise UsageError(f"no stage is called {stage!r}; there are {', '.join(STAGES)}, all")
    reference = None if request.own_model else load_model(request.model)
    configs, gates = load_configs(options.configs, options.gates, reference, options.own_gates)
    plan = make_plan(request, configs)
    if options.until == "report":
        require_place(options.out / plan.model)
    _require_frameworks(plan)
    console = Console(stderr=True, highlight=False)
    command = " ".join(["edge-export", *sys.argv[1:]])
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(ConsoleDisplay(console, verbose=options.verbose))
        store = stack.enter_context(open_workspace(options.workspace, command, display.warn))
        pool = stack.enter_context(WorkerPool(store.root / "logs", worker_limits(configs.limits), options.jobs))
        driver = Driver(store, pool, display, options.jobs)
        parts = {"train": [*plan.sources.values()], "convert": [cell.artifact for cell in plan.cells]}
        _forget(store, parts.get(options.until, plan.tasks()), options.force)
        results = driver.run(parts.get(options.until, opening(plan)))
        _raise_user_faults(plan, results)
        if options.until == "report":
            shipped = prove(plan, results, driver, gates, configs.limits)
            display.summary()
            plan, cells, choices, results = shipped.plan, shipped.cells, shipped.choices, dict(shipped.results)
            folder, report, written = publish(plan, gates, cells, results, store, options.out, command, choices)
            if not written:
                console.print("  [dim]=[/] package: nothing to do, the bundle holds these verdicts already")
        else:
            display.summary()
            return _say_made(plan, results, options, console)
    return say(folder, report, console, as_json=options.as_json)


def _require_frameworks(plan: Plan) -> None:
    """Raises UnavailableError before any work when a framework that the run starts from is not installed."""
    for framework in plan.sources:
        missing = registry.missing(PACKAGES[framework])
        if missing:
            raise UnavailableError(
                f"{framework} models need {', '.join(missing)}, which is not installed here: "
                f"pip install 'edge-export[{framework},litert,onnx]', or choose the other framework with --framework"
            )


def _forget(store: Store, tasks: list[Task], stages: tuple[str, ...]) -> None:
    for task in tasks:
        if task.stage in stages or "all" in stages:
            store.drop(task.key)


def _raise_user_faults(plan: Plan, results: Mapping[str, Result]) -> None:
    """Raises the error of the data or of a model when it is the user's to mend: no cell could say it better."""
    first = [*([plan.data] if plan.data else []), *plan.sources.values(), *plan.references.values()]
    for task in first:
        result = results.get(task.name)
        if result and result.state is State.FAILED and result.error and ends_the_run(result):
            raise result.error


def _say_made(plan: Plan, results: Mapping[str, Result], options: Options, console: Console) -> int:
    """Where the trained models or artifacts lie, for `train` and `convert`."""
    training = options.until == "train"
    tasks = [*plan.sources.values()] if training else list({c.artifact.name: c.artifact for c in plan.cells}.values())
    rows, errors = [], []
    for task in tasks:
        result = results[task.name]
        if result.entry is None:
            assert result.error is not None
            errors.append(result.error)
            rows.append({"name": task.name, "error": str(result.error)})
            continue
        artifact = read_artifact(result.entry)
        rows.append({**artifact.to_json(), "name": task.name, **read_facts(result.entry)})
        if not options.as_json:
            facts = read_facts(result.entry)
            accuracy = f"  accuracy {facts['accuracy']:.1%}" if "accuracy" in facts else ""
            console.print(f"{artifact.path}  {artifact.size_bytes:,} bytes{accuracy}", markup=False, soft_wrap=True)
    if options.as_json:
        print(json.dumps({"schema_version": 1, "notes": list(plan.notes), "artifacts": rows}, indent=1))  # noqa: T201
    return errors[0].exit_code if errors else 0


def explain(request: Request, workspace: Path, configs_folder: Path | None, *, as_json: bool) -> None:
    """Says for every task of a plan whether it would run, and why.

    What proves one of several routes to a file runs only where that route is taken, which nobody knows before.
    """
    configs, _ = load_configs(configs_folder, None)
    plan = make_plan(request, configs)
    store = Store(workspace.resolve())
    certain, rows = {task.name for task in opening(plan)}, []
    for task in {task.name: task for task in plan.tasks()}.values():
        reason = reason_to_run(store, task)
        runs = bool(reason) and (task.name in certain or store.last(task.name) is not None)
        reason = reason if runs or not reason else f"{reason}; only where its route is taken"
        rows.append({"stage": task.stage, "task": task.name, "would_run": runs, "reason": reason or "unchanged"})
    if as_json:
        print(json.dumps({"schema_version": 1, "tasks": rows}, indent=1))  # noqa: T201
        return
    console = Console(highlight=False)
    for row in rows:
        kept = "[dim]keep[/]" if row["reason"] == "unchanged" else "[dim]may [/]"
        mark = "[yellow]run [/]" if row["would_run"] else kept
        name, why = escape(str(row["task"])), escape(str(row["reason"]))
        console.print(f"{mark} {row['stage']:<10} {name}  [dim]{why}[/]", soft_wrap=True)
