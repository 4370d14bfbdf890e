"""The report as Markdown fit for the summary of a CI job: the verdict, a table, what failed and what did not run."""

from __future__ import annotations

import re

from pipeline.checks.drift.check import told
from pipeline.checks.outcome import Cell
from pipeline.report import choices, view
from pipeline.report.document import Report
from pipeline.report.figures import key_numbers
from pipeline.report.layers import summary
from pipeline.report.marks import MARKS, headline, worst_first
from pipeline.report.text import one_line, size

REASON = 240
SHOWN = 20
"""Failures told one by one; a summary of a CI job is cut off at a megabyte, and read to the first screen."""


def render(report: Report) -> str:
    """The whole summary. Texts of the report are escaped: none can make a link, an image, HTML or a table cell."""
    lines = [
        f"## {MARKS[report.outcome].symbol} {report.outcome}: {_text(report.title)}",
        "",
        f"{headline(report)}.",
        "",
    ]
    lines += [f"> {_text(one_line(note, REASON))}\n" for note in report.notes]
    for matrix in view.matrices(report.cells):
        lines += _table(matrix)
    lines += _failures(worst_first(report.cells), view.titles(report))
    lines += _not_run(view.not_run(report.cells))
    lines += _choices(report)
    lines += _layers(report)
    lines += _artifacts(report)
    lines += [f"Made {_text(report.created)} by {_code(report.command)}", ""]
    return "\n".join(lines)


def _table(matrix: view.Matrix) -> list[str]:
    head = ["precision", "route", *(_text(runtime) for runtime in matrix.runtimes)]
    lines = [f"### {_text(matrix.model)} → {_text(matrix.target)}", "", _row(head), _row(["---"] * len(head))]
    for row in matrix.rows:
        slots = ["<br>".join(_cell(cell) for cell in slot) or "·" for slot in row.slots]
        lines.append(_row([_text(row.precision), _text(f"{row.framework} · {row.route}"), *slots]))
    return [*lines, ""]


def _cell(cell: Cell) -> str:
    numbers = " · ".join(key_numbers(cell))
    return f"{MARKS[cell.outcome].symbol} {cell.outcome.replace('_', ' ')}" + (f"<br>{numbers}" if numbers else "")


def _failures(cells: list[Cell], names: dict[str, str]) -> list[str]:
    if not cells:
        return []
    lines = ["### What failed, or is undecided", ""]
    for cell in cells[:SHOWN]:
        lines.append(f"- {MARKS[cell.outcome].symbol} **{cell.outcome}** {_text(names[cell.id])}")
        lines += [f"  - {_text(one_line(reason, REASON))}" for reason in cell.reasons[:3]]
        if len(cell.reasons) > 3:
            lines.append(f"  - and {len(cell.reasons) - 3} reasons more")
    if len(cells) > SHOWN:
        lines.append(f"- and {len(cells) - SHOWN} cells more: see the HTML report")
    return [*lines, ""]


def _not_run(groups: tuple[view.Group, ...]) -> list[str]:
    if not groups:
        return []
    lines = ["### What did not run (none of it counts as passed)", ""]
    for group in groups:
        count = f"{len(group.cells)} cell{'s' if len(group.cells) > 1 else ''}"
        mark = f"{MARKS[group.outcome].symbol} **{group.outcome}**"
        lines.append(f"- {mark} {count}: {_text(one_line(group.reason, REASON))}")
    return [*lines, ""]


def _choices(report: Report) -> list[str]:
    """Which of several routes each file was taken from, folded away."""
    if not report.choices:
        return []
    rows = []
    for choice in report.choices:
        for one in choices.rows(choice):
            name = f"**{_text(one.route)}**" if one.chosen else _text(one.route)
            rows.append(_row([_text(choices.subject(choice)), name, *map(_text, (one.latency, one.ratio, one.says))]))
    head = [_row(["file", "route", "latency", "to the fastest", ""]), _row(["---", "---", "---:", "---:", "---"])]
    return ["<details><summary>Routes that were weighed</summary>", "", *head, *rows, "", "</details>", ""]


def _layers(report: Report) -> list[str]:
    """Each file beside its origin: what is not the same in the open, how much was looked at folded away."""
    if not report.drifts:
        return []
    lines = []
    for drift in [drift for drift in report.drifts if drift.suspects][:SHOWN]:
        lines.append(f"- {MARKS[drift.outcome].symbol} **{_text(drift.b)}** is not {_text(drift.a)}")
        lines += [f"  - {_text(one_line(reason, REASON))}" for reason in told(drift)]
    lines = ["### Layers that differ", "", *lines, ""] if lines else []
    rows = [
        _row([MARKS[drift.outcome].symbol, *map(_text, (drift.b, drift.a, summary(drift)))]) for drift in report.drifts
    ]
    head = [_row(["", "file", "against", "layer by layer"]), _row(["---"] * 4)]
    return [*lines, "<details><summary>Layers</summary>", "", *head, *rows, "", "</details>", ""]


def _artifacts(report: Report) -> list[str]:
    if not report.artifacts:
        return []
    rows = [_row([_text(row.file), size(row.size_bytes)]) for row in report.artifacts]
    return [
        "<details><summary>Artifacts</summary>",
        "",
        _row(["file", "size"]),
        _row(["---", "---:"]),
        *rows,
        "",
        "</details>",
        "",
    ]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(text: str) -> str:
    """One line of text in which nothing is markup."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~!@:])", r"\\\1", one_line(text, 10_000).replace("&", "&amp;"))
    return (
        escaped.replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
        .replace("\\:", ":")
        .replace("://", ":&#47;/")
        .replace("\\@", "@")
    )


def _code(text: str) -> str:
    """One line of text as code, whatever backticks it holds."""
    text = one_line(text, 1000)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
