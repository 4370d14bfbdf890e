"""Stage `judge`: the verdict on one cell, from what the earlier stages stored; made anew when a gate changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from converters.contract import Arrays, Precision
from converters.errors import ContractError, EdgeExportError
from converters.samples import every
from pipeline import evidence, golden
from pipeline.checks.gates import Gates
from pipeline.checks.outcome import Cell, Check
from pipeline.checks.sequence import Fed
from pipeline.checks.verdict import IN_8_BITS, Evidence, Golden, Home, judge, judge_unmade
from pipeline.entries import read_artifact, read_facts
from pipeline.report.decode import decode, encode
from pipeline.report.document import cell_to_json
from pipeline.store import Entry, digest
from pipeline.task import Context, Task, code

CELL = "cell.json"
STEPS = ("artifact", "inspection", "measurement", "timing", "drift")
"""What a verdict is made from, in order; what lacks a step is blocked by it."""


@dataclass(frozen=True)
class Subject:
    """The cell to judge: its names, and the claim that its file makes."""

    model: str
    framework: str
    route: str
    precision: Precision
    runtime: str
    target: str
    file: str
    home: str = ""  # the runtime that the cell is compared with, where it is another
    on_device: bool = False
    arithmetic: str = ""
    emulated: str = ""
    timed: bool = True


def judge_task(subject: Subject, gates: Gates, have: Mapping[str, Task], errors: Mapping[str, EdgeExportError]) -> Task:
    """The verdict on a cell.

    Args:
        subject: which cell.
        gates: every tolerance.
        have: the tasks that have a result: `reference`, and as many of STEPS, `baseline` and `origin` as there are.
        errors: why the other steps have none.
    """

    def work(context: Context) -> None:
        checks = _checks(subject, gates, context.needs, errors)
        cell = Cell(
            model=subject.model,
            framework=subject.framework,
            route=subject.route,
            precision=subject.precision.value,
            runtime=subject.runtime,
            target=subject.target,
            artifact=subject.file if "artifact" in have else "",
            checks=checks,
        )
        (context.folder / CELL).write_text(json.dumps(encode(cell_to_json(cell)), indent=1))

    ingredients = {
        "gates": digest(gates.to_json()),
        "code of the checks": code("pipeline/checks", "pipeline/stages/judge.py"),
        "failures": digest({name: [type(error).__name__, str(error)] for name, error in errors.items()}),
        "cell": digest(str(subject)),
    }
    name = f"judge {subject.model}_{subject.framework}_{subject.route}_{subject.precision}@{subject.runtime}"
    return Task(name, "judge", ingredients, work, dict(have))


def read_cell(entry: Entry) -> Cell:
    """The judged cell."""
    data = entry.json(CELL)
    for derived in ("id", "outcome", "reasons", "metrics"):
        data.pop(derived)
    return decode(Cell, data, str(entry.file(CELL)))


def _checks(
    subject: Subject, gates: Gates, needs: Mapping[str, Entry], errors: Mapping[str, EdgeExportError]
) -> tuple[Check, ...]:
    if "reference" not in needs:
        return judge_unmade("reference", errors["reference"])
    if "artifact" not in needs:
        return judge_unmade("convert", errors["artifact"])
    artifact = read_artifact(needs["artifact"])
    base = read_artifact(needs["baseline"]) if "baseline" in needs else None
    pack = golden.read(needs["reference"].file(evidence.GOLDEN))
    measured = evidence.read_measured(needs["measurement"]) if "measurement" in needs else None
    error = errors.get("measurement", ContractError("the measurement is neither there nor has it failed"))
    got = measured.golden if measured else error
    other = evidence.read_measured(needs["home"]).golden if "home" in needs else errors.get("home", error)
    rows = _common(pack.samples, got, other if subject.home else got)
    home = Home(subject.home, _at(rows, pack.samples, other)) if subject.home else None
    known = {name: values[rows] for name, values in pack.inputs.items()}
    right = {name: values[rows] for name, values in pack.outputs.items()}
    timings = errors.get("timing")
    drift, origin = (
        evidence.read_drift(needs[step]) if step in needs else errors.get(step) for step in ("drift", "origin")
    )
    checks = judge(
        Evidence(
            precision=subject.precision,
            runtime=subject.runtime,
            outputs=artifact.source.outputs,
            kept=artifact.kept,
            golden=Golden(known, right, pack.label[rows], pack.at_limits[rows], pack.exercise, pack.made_up),
            golden_got=_at(rows, pack.samples, got),
            inspection=evidence.read_inspection(needs["inspection"]) if "inspection" in needs else errors["inspection"],
            size_bytes=artifact.size_bytes,
            fp32_bytes=base.size_bytes if base and base.precision is Precision.FP32 else None,
            parameters=evidence.read_parameters(needs["reference"]),
            labelled=evidence.read_labelled(needs["reference"]),
            labelled_got=measured.test if measured else error,
            placement=measured.placement if measured else error,
            timings=evidence.read_timings(needs["timing"]) if "timing" in needs else timings,
            home=home,
            on_device=subject.on_device,
            arithmetic=subject.arithmetic,
            emulated=subject.emulated,
            timed=subject.timed,
            drift=drift,
            origin=origin,
            fed=_fed(subject, needs) if measured else None,
            odd_constants="source" in needs and bool(read_facts(needs["source"]).get("odd_constants")),
        ),
        gates,
    )
    if len(rows) == pack.samples:
        return checks
    said = f"calls take so long here that {len(rows)} of the {pack.samples} golden samples were run"
    return tuple(replace(c, reasons=(*c.reasons, said)) if c.name == "parity" else c for c in checks)


def _fed(subject: Subject, needs: Mapping[str, Entry]) -> Fed | None:
    return evidence.read_fed(needs["reference"], needs["measurement"], subject.precision in IN_8_BITS)


def _rows(total: int, outputs: Arrays) -> np.ndarray:
    """Which of the golden samples a measurement ran, as its number of outputs tells."""
    return every(total, len(next(iter(outputs.values()), ())))


def _common(total: int, *outputs: Arrays | EdgeExportError) -> np.ndarray:
    """The golden samples that all measurements ran: the fewest, which lie in the others."""
    ran = [_rows(total, one) for one in outputs if not isinstance(one, EdgeExportError)]
    return min(ran, key=len, default=np.arange(total))


def _at(rows: np.ndarray, total: int, outputs: Arrays | EdgeExportError) -> Arrays | EdgeExportError:
    if isinstance(outputs, EdgeExportError):
        return outputs
    kept = np.isin(_rows(total, outputs), rows)
    return {name: values[kept] if len(values) == len(kept) else values for name, values in outputs.items()}
