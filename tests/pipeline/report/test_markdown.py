from __future__ import annotations

import dataclasses

import sample_report

from pipeline.report import markdown


def test_the_summary() -> None:
    text = markdown.render(sample_report.report())
    lines = text.splitlines()
    assert lines[0].startswith("## ▲ CRASHED: fashion-cnn")
    assert "21 of 40 cells passed, 1 crashed" in text
    assert "| fp32 | torch · litert | ✓ PASSED<br>118 dB · 0 pt · 0.19 ms |" in text
    assert "- ✗ **FAILED** tensorflow · keras-tflite · int8 @ litert-xnnpack" in text
    assert "∅ **NOT_RUN** 10 cells: run: no ARM64 device here" in text
    assert "none of it counts as passed" in text


def test_a_file_whose_layers_differ_is_told_with_its_suspects_and_all_are_in_the_table() -> None:
    text = markdown.render(sample_report.report())
    file, origin = r"fashion-cnn\_torch\_litert\_int8.tflite", r"fashion-cnn\_torch\_litert\_fp32.tflite"
    assert f"- ✗ **{file}** is not {origin}\n  - CONV\\_2D 2 (features/relu6" in text
    assert f"| ✗ | {file} | {origin} | 3 of 4 layers aligned, 99.1% of the weights compared, worst layer" in text
    assert "| ✓ | fashion-cnn" in text
    assert "Layers" not in markdown.render(sample_report.passed())


def test_the_summary_is_short() -> None:
    text = markdown.render(sample_report.report())
    assert len(text) < 10_000
    assert max(len(line) for line in text.splitlines()) < 600


def test_tables_keep_their_columns() -> None:
    report = sample_report.report()
    cells = [dataclasses.replace(cell, runtime="a|b\nc", route="x|y") for cell in report.cells]
    rows = [line for line in markdown.render(dataclasses.replace(report, cells=cells)).splitlines() if "|" in line]
    table = [row for row in rows if row.startswith("| ")]
    for row in table[:5]:
        assert row.replace("\\|", "").count("|") == table[0].replace("\\|", "").count("|")


def test_nothing_in_a_text_is_markup() -> None:
    report = dataclasses.replace(
        sample_report.passed(),
        title="<img src=x> [link](https://example.org) **bold** @everyone\n# heading",
        command="a `b` ``c``\nd",
        notes=("![image](x)",),
    )
    text = markdown.render(report)
    assert "<img" not in text
    assert "\\[link\\](" in text
    assert "https://" not in text.split("Made")[0]
    assert "\\*\\*bold\\*\\*" in text
    assert "\n# heading" not in text
    assert "``` a `b` ``c`` d ```" in text
    assert "\\!\\[image\\]" in text


def test_many_failures_are_counted() -> None:
    report = sample_report.report()
    bad = next(cell for cell in report.cells if cell.outcome == "FAILED")
    many = [dataclasses.replace(bad, runtime=f"r{index}") for index in range(50)]
    assert "- and 30 cells more: see the HTML report" in markdown.render(dataclasses.replace(report, cells=many))


def test_no_cells() -> None:
    assert markdown.render(sample_report.empty()).startswith("## ✗ FAILED: t\n\nNothing was compared")
