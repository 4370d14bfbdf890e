from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pipeline.repair.front import Row
from pipeline.repair.page import page, svg, text_table

FLOAT = Row("float32", 0, 40_000, 0.81, 0.0, 0.0, 0.0, 1.0, 200.0, 2000, "PASSED", 1.0)
PLAIN = replace(FLOAT, name="int8", size_bytes=12_000, accuracy=0.66, drop_points=15.0, drop_low=13.0, drop_high=17.0)
BEST = replace(PLAIN, name="int8, <2> in float", kept=2, accuracy=0.805, chosen=True, on_front=True)
TABLE = [FLOAT, replace(PLAIN, outcome="FAILED"), replace(BEST, latency_ratio=0.5, latency_low=0.4, latency_high=0.6)]


def test_the_page_loads_nothing_and_escapes_names() -> None:
    made = page("Repair of a&b", "repaired: fine", TABLE, ["a <note>"], 'keep = ["^a$"]')
    assert "a&amp;b" in made
    assert "a &lt;note&gt;" in made
    assert "&lt;2&gt; in float" in made
    assert "http" not in made
    assert "0.50 (0.40 to 0.60)" in made
    assert "80.50 %" in made


@pytest.mark.parametrize("table", [TABLE, [FLOAT], [replace(row, accuracy=None, drop_points=None) for row in TABLE]])
def test_the_drawing_is_well_formed_with_a_dot_a_file(table: list[Row]) -> None:
    root = ET.fromstring(svg(table))
    dots = [circle for circle in root.iter("circle") if circle.get("r") == "5"]
    assert len(dots) == len(table)
    for dot in dots:
        assert 0 < float(dot.get("cx", -1)) < 640
        assert 0 < float(dot.get("cy", -1)) < 320


def test_the_table_for_a_terminal_marks_the_chosen_one() -> None:
    lines = text_table(TABLE).splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:2] == ["file", "in"]
    assert lines[3].startswith(">")
    assert "13.00 to 17.00" in lines[2]
    unlabelled = text_table([replace(row, accuracy=None, drop_points=None) for row in TABLE])
    assert "same answer" in unlabelled
