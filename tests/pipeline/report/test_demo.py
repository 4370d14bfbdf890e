from __future__ import annotations

import base64
import dataclasses

import pytest
import sample_report
from PIL import Image

from pipeline.report import demo, html_report

RUNTIMES = ("android-jvm[JVM]", "android[39A,tflite]")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_report_of_the_app_shows_every_screen(runtime: str) -> None:
    report = sample_report.report()
    cells = (dataclasses.replace(report.cells[0], runtime=runtime), *report.cells[1:])
    html = html_report.render(dataclasses.replace(report, cells=cells))
    screens = demo.screens(cells)
    assert len(screens) == 5
    assert '<section id="demo">' in html
    for screen in screens:
        assert screen.source in html
        data = base64.b64decode(screen.source.partition("base64,")[2])
        assert data.startswith(b"\x89PNG")


def test_other_reports_do_not() -> None:
    report = sample_report.report()
    assert demo.screens(report.cells) == []
    assert 'id="demo"' not in html_report.render(report)


def test_without_pictures_the_section_is_left_out(tmp_path) -> None:
    cells = (dataclasses.replace(sample_report.report().cells[0], runtime=RUNTIMES[0]),)
    assert demo.screens(cells, tmp_path) == []
    Image.new("L", (2, 2)).save(tmp_path / "home.png")
    (screen,) = demo.screens(cells, tmp_path)
    assert screen.words.startswith("Home")
