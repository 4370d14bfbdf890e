from __future__ import annotations

from pathlib import Path

import pytest
import sample_report

from converters.errors import UsageError
from pipeline.report import files, json_report


def test_every_form_is_written(tmp_path: Path) -> None:
    paths = files.write_all(sample_report.passed(), tmp_path / "new" / "report")
    assert {form: path.name for form, path in paths.items()} == files.NAMES
    assert json_report.read(paths["json"]) == sample_report.passed()
    for form, path in paths.items():
        assert path.read_text(encoding="utf-8") == files.render(sample_report.passed(), form, "live.html")
    assert 'href="live.html"' in paths["html"].read_text(encoding="utf-8")
    assert (tmp_path / "new/report/live.html").is_file()


def test_a_report_without_files_for_browsers_has_no_live_page(tmp_path: Path) -> None:
    paths = files.write_all(sample_report.empty(), tmp_path)
    assert "live.html" not in paths["html"].read_text(encoding="utf-8")
    assert not (tmp_path / "live.html").exists()


def test_hostile_texts_can_be_written(tmp_path: Path) -> None:
    import dataclasses

    report = dataclasses.replace(sample_report.report(), title="\ud800\x00<", command="\udc80`")
    assert all(path.stat().st_size for path in files.write_all(report, tmp_path).values())


def test_an_unknown_form() -> None:
    with pytest.raises(UsageError, match="no report form is called 'pdf'; there are html, markdown, junit, json"):
        files.render(sample_report.passed(), "pdf")
