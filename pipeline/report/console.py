"""The report on a terminal: the matrix, what failed, what did not run, where the files lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.checks.choice import Choice
from pipeline.checks.outcome import Cell
from pipeline.report import choices, view
from pipeline.report.document import Report
from pipeline.report.figures import key_numbers
from pipeline.report.marks import MARKS, headline, worst_first
from pipeline.report.text import clean, one_line

REASON = 300
SHOWN = 10
ROW_NAME = 22  # columns that a precision and its route take
RUNTIME = 26  # columns that a runtime takes: the numbers of a cell on one line


def print_cells(report: Report, console: Console, files: Mapping[str, Path] | None = None) -> None:
    """Prints the verdict to `console`; colours only where the console has them, words everywhere.

    Args:
        report: what was found out.
        console: where to; wide matrices are split into several tables that fit its width.
        files: the paths to name at the end, by what they are.
    """
    if console.encoding.lower().startswith("utf"):
        _print(report, console, files or {})
        return
    with console.capture() as capture:
        _print(report, console, files or {})
    console.file.write(capture.get().encode(console.encoding, "replace").decode(console.encoding))


def _print(report: Report, console: Console, files: Mapping[str, Path]) -> None:
    for matrix in view.matrices(report.cells):
        _print_matrix(matrix, console)
    names = view.titles(report)
    bad = worst_first(report.cells)
    for cell in bad[:SHOWN]:
        _print_problem(cell, names[cell.id], console)
    if len(bad) > SHOWN:
        console.print(Text(f"and {len(bad) - SHOWN} more: see the report"))
    for group in view.not_run(report.cells):
        line = Text(f"{MARKS[group.outcome].symbol} {group.outcome} ", MARKS[group.outcome].style)
        line.append(f"{len(group.cells)} cell{'s' if len(group.cells) > 1 else ''}: ", "none")
        console.print(line.append(one_line(group.reason, REASON), "none"))
    if report.choices:
        _print_choices(report.choices, console)
    mark = MARKS[report.outcome]
    console.print()
    console.print(Text(f"{mark.symbol} {report.outcome} ", mark.style).append(f"{headline(report)}.", "none"))
    for what, path in files.items():
        console.print(Text(clean(f"{what}: {path}")), soft_wrap=True)


def _print_matrix(matrix: view.Matrix, console: Console) -> None:
    """One table, or several of fewer columns where the console is narrow."""
    fit = max(1, (console.width - ROW_NAME) // (RUNTIME + 2))
    for start in range(0, len(matrix.runtimes), fit):
        table = Table(
            title=Text(f"{clean(matrix.model)} → {clean(matrix.target)}"), box=box.SIMPLE_HEAD, padding=(0, 1)
        )
        table.title_justify, table.title_style = "left", "bold"
        table.add_column("", overflow="fold", max_width=ROW_NAME)
        for runtime in matrix.runtimes[start : start + fit]:
            table.add_column(Text(clean(runtime)), overflow="fold")
        last = ""
        for row in matrix.rows:
            route = clean(f"{row.framework} · {row.route}")
            if route != last:
                table.add_row(Text(route, "bold"), *([""] * len(matrix.runtimes[start : start + fit])))
            table.add_row(Text(f"  {clean(row.precision)}"), *(_slot(slot) for slot in row.slots[start : start + fit]))
            last = route
        console.print(table)


def _slot(cells: tuple[Cell, ...]) -> Text:
    text = Text()
    for index, cell in enumerate(cells):
        mark = MARKS[cell.outcome]
        text.append("\n" if index else "").append(f"{mark.symbol} {cell.outcome}", mark.style)
        if numbers := key_numbers(cell):
            text.append("\n" + " ".join(numbers), "dim")
    return text or Text("·", "dim")


def _print_choices(taken: Sequence[Choice], console: Console) -> None:
    table = Table(
        title="Routes, the one taken first: the fastest, or the smallest within noise of it", box=None, padding=(0, 1)
    )
    table.title_justify, table.title_style, table.show_header = "left", "bold", False
    table.add_column(no_wrap=True)
    table.add_column()
    for choice in taken:
        table.add_row(Text(f" {clean(choices.subject(choice))}"), Text(one_line(choices.beside(choice), REASON)))
    console.print(table)


def _print_problem(cell: Cell, name: str, console: Console) -> None:
    mark = MARKS[cell.outcome]
    console.print(Text(f"{mark.symbol} {cell.outcome} ", mark.style).append(clean(name), "none"))
    for reason in cell.reasons[:3]:
        console.print(Text(f"    {one_line(reason, REASON)}"))
    if len(cell.reasons) > 3:
        console.print(Text(f"    and {len(cell.reasons) - 3} reasons more"))
