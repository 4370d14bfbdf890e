"""The report as JUnit XML, one test case a cell.

FAILED and UNDECIDED are failures, CRASHED and TIMED_OUT are errors, NOT_RUN, UNSUPPORTED and BLOCKED are skipped with
their reason: no reader of JUnit counts those as passed. A report without cells is one failed test case.
"""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

from pipeline.checks.outcome import Cell, Outcome
from pipeline.report.document import Report
from pipeline.report.marks import headline
from pipeline.report.text import clean, one_line

ELEMENTS = {
    Outcome.PASSED: "",
    Outcome.UNDECIDED: "failure",
    Outcome.FAILED: "failure",
    Outcome.CRASHED: "error",
    Outcome.TIMED_OUT: "error",
    Outcome.UNSUPPORTED: "skipped",
    Outcome.NOT_RUN: "skipped",
    Outcome.BLOCKED: "skipped",
}
"""What a test case of each outcome holds."""
MESSAGE = 400


def render(report: Report) -> str:
    """The XML document, well-formed whatever the names and reasons hold."""
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in report.cells:
        groups.setdefault((cell.model, cell.framework, cell.route), []).append(cell)
    root = ET.Element("testsuites", name=clean(report.title))
    for (model, framework, route), cells in groups.items():
        suite = ET.SubElement(
            root, "testsuite", name=clean(f"{model}.{framework}.{route}"), timestamp=clean(report.created)
        )
        for cell in cells:
            _case(suite, cell)
        _count(suite)
    if not groups:
        suite = ET.SubElement(root, "testsuite", name="no cells")
        case = ET.SubElement(suite, "testcase", classname="edge-export", name="at least one cell")
        ET.SubElement(case, "failure", message=headline(report), type=Outcome.FAILED)
        _count(suite)
    _count(root)
    ET.indent(root)
    buffer = io.BytesIO()
    ET.ElementTree(root).write(buffer, encoding="utf-8", xml_declaration=True)
    return buffer.getvalue().decode("utf-8") + "\n"


def _case(suite: ET.Element, cell: Cell) -> None:
    classname = clean(f"{cell.model}.{cell.framework}.{cell.route}.{cell.precision}")
    case = ET.SubElement(suite, "testcase", classname=classname, name=clean(f"{cell.precision} @ {cell.runtime}"))
    if cell.metrics:
        properties = ET.SubElement(case, "properties")
        for name, value in cell.metrics.items():
            ET.SubElement(properties, "property", name=clean(name), value=clean(str(value)))
    if kind := ELEMENTS[cell.outcome]:
        first = cell.reasons[0] if cell.reasons else "no check was made"
        message = f"{cell.outcome}: {one_line(first, MESSAGE)}"
        element = ET.SubElement(case, kind, message=message, type=cell.outcome)
        element.text = clean("\n".join(cell.reasons))


def _count(element: ET.Element) -> None:
    """Writes the sums that readers of JUnit expect on suites."""
    element.set("tests", str(len(list(element.iter("testcase")))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(len(list(element.iter(tag)))))
