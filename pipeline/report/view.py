"""The report arranged for a reader: matrices, groups of reasons, gates that judged a check. No markup here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.report.document import Report
from pipeline.report.marks import UNPROVED, cell_name, worst_first


@dataclass(frozen=True)
class Row:
    """One artifact's line of a matrix: `slots[i]` are the cells of the matrix's i-th runtime."""

    framework: str
    route: str
    precision: str
    slots: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Matrix:
    """The cells of one model and one format; only the runtimes that open this format have a column."""

    model: str
    target: str
    runtimes: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Group:
    """Cells that share an outcome and a reason."""

    outcome: Outcome
    reason: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class GateTable:
    """The tolerances of one table of the gates file, and why they stand where they do."""

    path: tuple[str, ...]  # ("parity", "int8")
    values: tuple[tuple[str, str], ...]  # ("min_snr_db", "15.0")
    reason: str


def matrices(cells: Iterable[Cell]) -> tuple[Matrix, ...]:
    """One matrix for each model and target, everything in the order in which the cells come."""
    grouped: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.model, cell.target), []).append(cell)
    return tuple(_matrix(model, target, group) for (model, target), group in grouped.items())


def _matrix(model: str, target: str, cells: Sequence[Cell]) -> Matrix:
    runtimes = tuple(dict.fromkeys(cell.runtime for cell in cells))
    lines: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        lines.setdefault((cell.framework, cell.route, cell.precision), []).append(cell)
    rows = (
        Row(*key, tuple(tuple(cell for cell in line if cell.runtime == runtime) for runtime in runtimes))
        for key, line in lines.items()
    )
    return Matrix(model, target, runtimes, tuple(rows))


def not_run(cells: Iterable[Cell]) -> tuple[Group, ...]:
    """The cells that prove nothing, under the reasons that they share; each cell once, by its first reason."""
    found: dict[tuple[Outcome, str], list[Cell]] = {}
    for cell in worst_first(cells, UNPROVED):
        found.setdefault((cell.outcome, cell.reasons[0]), []).append(cell)
    return tuple(Group(outcome, reason, tuple(group)) for (outcome, reason), group in found.items())


def optional_gaps(cells: Iterable[Cell]) -> tuple[Group, ...]:
    """Optional checks that did not pass in cells that ran: they do not colour a cell, but a reader must know."""
    found: dict[tuple[Outcome, str], list[Cell]] = {}
    for cell in (cell for cell in cells if cell.outcome not in UNPROVED):
        for check in cell.checks:
            if not check.required and check.outcome is not Outcome.PASSED:
                found.setdefault((check.outcome, f"{check.name}: {check.reasons[0]}"), []).append(cell)
    return tuple(Group(outcome, reason, tuple(group)) for (outcome, reason), group in found.items())


def gate_tables(gates: Mapping[str, Any], path: tuple[str, ...] = ()) -> tuple[GateTable, ...]:
    """Every table of the gates that holds values, depth first; its key `reason` is told apart."""
    values = tuple(
        (key, _plain(value)) for key, value in gates.items() if key != "reason" and not isinstance(value, Mapping)
    )
    here = (GateTable(path, values, str(gates.get("reason", ""))),) if values else ()
    below = (gate_tables(value, (*path, str(key))) for key, value in gates.items() if isinstance(value, Mapping))
    return (*here, *(table for tables in below for table in tables))


def gates_of(check: Check, cell: Cell, tables: Iterable[GateTable]) -> tuple[GateTable, ...]:
    """The tables that judged a check: under its name, for everything or for the cell's precision or runtime."""
    own = {cell.precision, cell.runtime}
    return tuple(table for table in tables if table.path[:1] == (check.name,) and own.issuperset(table.path[1:]))


def titles(report: Report) -> dict[str, str]:
    """The name of every cell, by its id, with the model where the report holds several."""
    several = len({cell.model for cell in report.cells}) > 1
    return {cell.id: f"{cell.model} · {cell_name(cell)}" if several else cell_name(cell) for cell in report.cells}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(_plain(item) for item in value) if isinstance(value, list | tuple) else str(value)
