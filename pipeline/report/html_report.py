"""The report as one HTML file: offline, without a single request, readable on a phone, in print and without colour."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.checks.outcome import Cell, Outcome
from pipeline.report import choices, demo, plots, text, view
from pipeline.report.charts import charts
from pipeline.report.document import Report
from pipeline.report.figures import key_numbers
from pipeline.report.layers import file_layers
from pipeline.report.marks import MARKS, READING_ORDER, headline, worst_first

WORST_SHOWN = 8
BARS_SHOWN = 24
FEW = 4
"""So many more are not worth a fold."""


def render(report: Report, live: str = "") -> str:
    """The whole page, with a link to `live`, the page that runs the files, where there is one.

    Every text of the report is escaped; the page's policy allows no other script, style or host.
    """
    environment = _environment()
    source = environment.loader.get_source  # type: ignore[union-attr]
    style, script = (Markup(source(environment, name)[0].strip()) for name in ("style.css", "script.js"))
    return environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        live=live,
        **_context(report),
    )


def _context(report: Report) -> dict[str, Any]:
    """What the template reads."""
    bad, plotted = worst_first(report.cells), charts(report)
    gates = view.gate_tables(report.gates)
    return {
        "report": report,
        "marks": MARKS,
        "headline": headline(report),
        "shares": plots.shares([(f"s-{o}", report.counts[o]) for o in READING_ORDER], _counts_in_words(report)),
        "counts": [(outcome, report.counts[outcome]) for outcome in READING_ORDER if report.counts[outcome]],
        "bad": bad,
        "not_run": view.not_run(report.cells),
        "optional_gaps": view.optional_gaps(report.cells),
        "matrices": view.matrices(report.cells),
        "charts": plotted,
        "layers": file_layers(report.drifts),
        "screens": demo.screens(report.cells),
        "choices": [(choices.subject(choice), choice, choices.rows(choice)) for choice in report.choices],
        "worst_shown": _fold(len(bad), WORST_SHOWN),
        "bars_shown": {chart.key: _fold(len(chart.rows), BARS_SHOWN) for chart in plotted},
        "anchor": _anchors(report.cells),
        "name": view.titles(report),
        "key_numbers": key_numbers,
        "gates": gates,
        "gates_of": lambda check, cell: view.gates_of(check, cell, gates),
    }


def _fold(count: int, shown: int) -> int:
    """How many of `count` rows are shown before the rest is folded away."""
    return count if count <= shown + FEW else shown


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters.update(
        metric=lambda value, name: text.metric(name, value), size=text.size, shorten=text.shorten, signed=text.signed
    )
    return environment


def _printable(value: Any) -> Any:
    """Every value that a template prints passes here, before it is escaped."""
    return text.clean(str(value)) if not isinstance(value, Markup) else value


def _anchors(cells: Iterable[Cell]) -> dict[str, str]:
    """A short anchor for each cell's id, safe in any link."""
    return {cell.id: f"cell-{index}" for index, cell in enumerate(cells, 1)}


def _counts_in_words(report: Report) -> str:
    return ", ".join(f"{count} {MARKS[Outcome(name)].phrase}" for name, count in report.counts.items() if count)


def _digest(content: str) -> str:
    """The hash by which a content security policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
