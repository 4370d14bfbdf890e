"""A stored report in any form, rebuilt from its JSON on any machine."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from converters.errors import ModelError, UsageError
from pipeline.report import files, json_report
from pipeline.report.document import Report

FORMS = ("console", "table", *files.NAMES)


def find_report(place: Path) -> Path:
    """The report.json at `place`: the file itself, a bundle, or the only bundle in a folder.

    Raises:
        ModelError: there is none, or there are several.
    """
    if place.is_file():
        return place
    name = Path("report") / files.NAMES["json"]
    found = [place / name] if (place / name).is_file() else sorted(place.glob(f"*/{name}"))
    if len(found) == 1:
        return found[0]
    if found:
        raise ModelError(f"{place} holds several bundles: {', '.join(str(p.parent.parent) for p in found)}; name one")
    raise ModelError(f"there is no report in {place}; `edge-export run --target tflite` makes one")


def again(place: Path, form: str) -> str:
    """The text of a report in one of FORMS.

    Raises:
        UsageError: no such form.
        ModelError: no report, or a damaged one.
    """
    if form not in FORMS:
        raise UsageError(f"no report form is called {form!r}; there are {', '.join(FORMS)}")
    report = json_report.read(find_report(place))
    return _on_console(report) if form == "console" else files.render(report, form)


def _on_console(report: Report) -> str:
    from rich.console import Console

    from pipeline.report.console import print_cells

    stream = io.StringIO()
    print_cells(report, Console(file=stream, width=shutil.get_terminal_size().columns))
    return stream.getvalue()
