"""From verdicts to a bundle in the output folder, and to what the terminal says; unchanged verdicts write nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from converters.contract import Artifact
from converters.errors import ModelError
from pipeline import evidence
from pipeline.bundle import BundleContents, has_image_rules, image_rules, open_bundle, write_bundle
from pipeline.checks.choice import Choice
from pipeline.checks.gates import Gates, to_toml
from pipeline.checks.outcome import Cell, Outcome
from pipeline.datasets.dataset import Dataset
from pipeline.driver import Result
from pipeline.entries import read_artifact
from pipeline.plan import Plan
from pipeline.preprocessing import AS_THEY_ARE
from pipeline.report import json_report
from pipeline.report.console import print_cells
from pipeline.report.decode import encode
from pipeline.report.document import Report, cell_to_json
from pipeline.report.files import NAMES
from pipeline.stages.report import Found, build_report
from pipeline.store import Store, digest, file_sha256
from pipeline.task import Task, code

GREEN = (Outcome.PASSED, Outcome.NOT_RUN)


def publish(
    plan: Plan,
    gates: Gates,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    store: Store,
    out: Path,
    command: str,
    choices: Sequence[Choice] = (),
) -> tuple[Path, Report, bool]:
    """(the bundle, its report, whether it was written now): an existing bundle of the same verdicts is kept.

    Raises:
        WorkspaceError: `out` cannot be written; an existing bundle stays as it was.
    """
    folder = out / plan.model
    name = f"package {folder.resolve()}"
    made = _made(plan, results)
    ingredients = {
        "verdicts": digest([json.dumps(cell_to_json(cell), sort_keys=True) for cell in cells]),
        "artifacts": digest(sorted(artifact.sha256 for artifact in made)),
        "layers": digest([task.key for task in _drifts(plan)]),
        "choices": digest(json.dumps(encode(tuple(choices)), sort_keys=True)),
        "gates": digest(gates.to_json()),
        "code of the report": code("pipeline/report", "pipeline/bundle", "pipeline/stages/report.py"),
    }
    last = store.last(name)
    if last and {key: value for key, value in last.items() if key != "manifest"} == ingredients:
        kept = _kept(folder, last.get("manifest", ""))
        if kept is not None:
            return folder, kept, False
    report = build_report(_found(plan, gates, cells, results, made, choices), f"edge-export: {plan.model}", command)
    with tempfile.TemporaryDirectory(dir=store.temporary()) as temporary:
        gates_file = Path(temporary) / "gates.toml"
        gates_file.write_text(to_toml(gates))
        write_bundle(_contents(plan, results, made, report, gates_file), folder)
    store.remember(name, {**ingredients, "manifest": file_sha256(folder / "manifest.json")})
    return folder, report, True


def say(folder: Path, report: Report, console: Console, *, as_json: bool) -> int:
    """Shows the verdict (beside `--json` on standard error) and returns the exit code.

    0 when cells passed and the others had no device or data here, 1 when one did not pass, or when none did.
    """
    if as_json:
        print(json_report.dumps({**json_report.to_json(report), "bundle": str(folder)}))  # noqa: T201
    paths = {"bundle": folder, "report": folder / "report" / NAMES["html"]}
    print_cells(report, console if as_json else Console(highlight=False), paths)
    outcomes = {cell.outcome for cell in report.cells}
    return 0 if Outcome.PASSED in outcomes and outcomes <= set(GREEN) else 1


def _kept(folder: Path, manifest_sha256: str) -> Report | None:
    """The report of an existing bundle that is still the one that was written."""
    try:
        if file_sha256(folder / "manifest.json") != manifest_sha256:
            return None
        open_bundle(folder)
        return json_report.read(folder / "report" / NAMES["json"])
    except (OSError, ModelError):
        return None


def _made(plan: Plan, results: Mapping[str, Result]) -> list[Artifact]:
    """The artifacts that were made, each once, in the order of the plan."""
    found: dict[str, Artifact] = {}
    for cell in plan.cells:
        entry = results[cell.artifact.name].entry
        if entry is not None and cell.artifact.name not in found:
            found[cell.artifact.name] = read_artifact(entry)
    return list(found.values())


def _found(
    plan: Plan,
    gates: Gates,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    made: Sequence[Artifact],
    choices: Sequence[Choice] = (),
) -> Found:
    entries = {name: result.entry for name, result in results.items() if result.entry is not None}
    seconds: dict[str, float] = {}
    for result in results.values():
        if result.entry is not None:
            seconds[result.task.stage] = seconds.get(result.task.stage, 0.0) + result.entry.seconds
    return Found(
        sources={f.value: read_artifact(entries[t.name]) for f, t in plan.sources.items() if t.name in entries},
        references={f.value: entries[t.name] for f, t in plan.references.items() if t.name in entries},
        artifacts=made,
        cells=cells,
        measurements={
            cell.id: entries[planned.measurement.name]
            for cell, planned in zip(cells, plan.cells, strict=True)
            if planned.measurement.name in entries
        },
        data=_data(plan, results),
        gates=gates.to_json(),
        notes=plan.notes,
        seconds=seconds,
        drifts=[evidence.read_drift(entries[task.name]) for task in _drifts(plan) if task.name in entries],
        choices=choices,
    )


def _drifts(plan: Plan) -> list[Task]:
    """The comparisons of the files that are cells, each once, in the order of the plan."""
    found = [cell.drift for cell in plan.cells if isinstance(cell.drift, Task)]
    return list({task.name: task for task in found}.values())


def _contents(
    plan: Plan, results: Mapping[str, Result], made: Sequence[Artifact], report: Report, gates_file: Path
) -> BundleContents:
    data = _data(plan, results)
    done = data.preprocessing if data else AS_THEY_ARE
    golden = {}
    rules = {}
    for framework, task in plan.references.items():
        entry = results[task.name].entry
        if entry is not None:
            golden[framework.value] = entry.file(evidence.GOLDEN)
    for artifact in made:
        for spec in artifact.source.inputs:
            if spec.meaning == "image" and has_image_rules(spec, done):
                rules[spec.name] = replace(
                    image_rules(spec, preprocessing=done), layout=""
                )  # each artifact has its own
    return BundleContents(made, golden, data.labels if data else (), gates_file, report, rules)


def _data(plan: Plan, results: Mapping[str, Result]) -> Dataset | None:
    entry = results[plan.data.name].entry if plan.data else None
    return Dataset.open(entry.folder) if entry else None
