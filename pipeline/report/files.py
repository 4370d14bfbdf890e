"""Every form of the report, as text and as files of one folder; a form's module is imported when it is wanted."""

from __future__ import annotations

import importlib
from pathlib import Path

from converters.errors import UsageError
from pipeline.report.document import Report

NAMES = {"html": "report.html", "markdown": "report.md", "junit": "junit.xml", "json": "report.json"}
_RENDERERS = {
    "html": "html_report",
    "markdown": "markdown",
    "junit": "junit",
    "json": "json_report",
    "table": "results",
}


def render(report: Report, form: str, live: str = "") -> str:
    """The text of the report in one of the forms of `NAMES`; HTML links to `live`, the live page, where there is one.

    Raises:
        UsageError: no such form.
    """
    if form not in _RENDERERS:
        raise UsageError(f"no report form is called {form!r}; there are {', '.join(_RENDERERS)}")
    module = importlib.import_module(f"pipeline.report.{_RENDERERS[form]}")
    text: str = module.render(report, live) if form == "html" else module.render(report)
    return text


def write_all(report: Report, folder: Path) -> dict[str, Path]:
    """Writes every form into `folder`, and the live page where a browser can run a file; the paths by form."""
    from pipeline.report import live_page

    folder.mkdir(parents=True, exist_ok=True)
    live = live_page.PAGE if live_page.wanted(report) else ""
    if live:
        live_page.write(folder)
    paths = {form: folder / name for form, name in NAMES.items()}
    for form, path in paths.items():
        path.write_text(render(report, form, live), encoding="utf-8")
    return paths
