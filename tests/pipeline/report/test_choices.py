from __future__ import annotations

import io

import sample_report
from rich.console import Console

from pipeline.report import choices, html_report, json_report, markdown
from pipeline.report.console import print_cells

REPORT = sample_report.report()
CHOICE = REPORT.choices[0]


def test_a_choice_is_one_line_with_every_route_and_how_it_did():
    first, second, third = choices.beside(CHOICE).split(", ")
    assert first == "litert fastest"
    assert second == "onnx-onnx2tf +12%"
    assert third.endswith(" FAILED")


def test_rows_begin_with_the_chosen_route_and_tell_ratios_with_their_interval():
    first, *others = choices.rows(CHOICE)
    assert (first.route, first.chosen, first.ratio) == ("litert", True, "1")
    assert [row.ratio for row in others] == ["1.12 (1.1 to 1.14)", ""]
    assert others[1].latency == ""


def test_every_form_of_the_report_tells_it():
    stream = io.StringIO()
    print_cells(REPORT, Console(file=stream, width=400))
    assert choices.beside(CHOICE) in stream.getvalue()
    for text in (html_report.render(REPORT), markdown.render(REPORT).replace("\\", "")):
        assert "torch → tflite int8" in text
        assert "slower than litert by 12.0 %" in text
        assert sample_report.HOSTILE not in html_report.render(REPORT)


def test_a_choice_survives_json():
    assert json_report.from_json(json_report.to_json(REPORT)).choices == REPORT.choices


def test_without_a_choice_nobody_speaks_of_one():
    passed = sample_report.passed()
    assert 'id="routes"' not in html_report.render(passed)
    assert "Routes that were weighed" not in markdown.render(passed)
