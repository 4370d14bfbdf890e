from __future__ import annotations

from pathlib import Path

import pytest
import sample_report

from converters.errors import ModelError, UsageError
from pipeline.report import files
from pipeline.report.again import again, find_report


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    files.write_all(sample_report.passed(), tmp_path / "dist" / "model" / "report")
    return tmp_path / "dist" / "model"


def test_a_report_is_found_from_any_place_above(bundle: Path) -> None:
    expected = bundle / "report" / "report.json"
    assert find_report(expected) == find_report(bundle) == find_report(bundle.parent) == expected


def test_none_and_several(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no report in"):
        find_report(tmp_path)
    files.write_all(sample_report.passed(), bundle.parent / "other" / "report")
    with pytest.raises(ModelError, match="holds several bundles: .*model, .*other; name one"):
        find_report(bundle.parent)


@pytest.mark.parametrize("form", files.NAMES)
def test_every_form_is_rebuilt(bundle: Path, form: str) -> None:
    assert again(bundle, form) == files.render(sample_report.passed(), form)


def test_the_console_form(bundle: Path) -> None:
    assert "All 5 cells passed." in again(bundle, "console")


def test_an_unknown_form(bundle: Path) -> None:
    with pytest.raises(UsageError, match="no report form is called 'pdf'; there are console, table, html"):
        again(bundle, "pdf")
