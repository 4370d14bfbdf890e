from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from pipeline.report import plots

HOSTILE = "\"><script>&'"


def parsed(svg: Markup) -> ET.Element:
    return ET.fromstring(str(svg))


def test_an_axis_maps_its_ends_inside_the_picture() -> None:
    axis = plots.Axis(0, 10)
    assert [axis.at(value) for value in (-5, 0, 5, 10, 99)] == [2, 2, 50, 98, 98]
    assert plots.Axis(1, 100, log=True).at(10) == 50


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (plots.Axis(0, 10), [0, 2, 4, 6, 8, 10]),
        (plots.Axis(-4, 0.36), [-4, -3, -2, -1, 0]),
        (plots.Axis(0, 0.1), [0, 0.02, 0.04, 0.06, 0.08, 0.1]),
        (plots.Axis(0.01, 100, log=True), [0.01, 0.1, 1, 10, 100]),
    ],
)
def test_ticks_are_round(axis: plots.Axis, ticks: list[float]) -> None:
    assert axis.ticks() == pytest.approx(ticks)


def test_an_axis_holds_every_finite_value() -> None:
    axis = plots.axis_for([3.0, -1.0, None, math.nan, math.inf])
    assert axis == plots.Axis(-1.0, 3.0)
    assert plots.axis_for([math.nan, None]) is None
    assert plots.axis_for([0.0]) == plots.Axis(0.0, 1.0)
    assert plots.axis_for([0.1, 50.0], log_from=30) == plots.Axis(0.1, 100.0, log=True)
    assert plots.axis_for([2.0, 50.0], log_from=30) == plots.Axis(0.0, 50.0)


def test_an_interval_shows_value_ends_and_reference() -> None:
    svg = parsed(plots.interval(plots.Axis(-10, 10), 0, -5, 5, HOSTILE))
    assert svg.get("aria-label") == HOSTILE
    (dot,) = svg.findall("circle")
    assert dot.get("cx") == "50.0%"
    (whisker,) = [line for line in svg.findall("line") if line.get("class") == "whisker"]
    assert (whisker.get("x1"), whisker.get("x2")) == ("26.0%", "74.0%")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_not_drawn(value: float) -> None:
    axis = plots.Axis(0, 1)
    assert parsed(plots.interval(axis, value, None, None, "x")).findall("circle") == []
    assert parsed(plots.median(axis, value, None, "x")).findall("circle") == []
    assert len(parsed(plots.bar(axis, value, "x")).findall("rect")) == (1 if value == math.inf else 0)


def test_bars_start_at_zero() -> None:
    (rect,) = parsed(plots.bar(plots.Axis(-10, 10), -5, "x")).findall("rect")
    assert (rect.get("x"), rect.get("width")) == ("26.0%", "24.00%")


def test_shares_fill_the_width() -> None:
    rects = parsed(plots.shares([("a", 1), ("b", 0), ("c", 3)], HOSTILE)).findall("rect")
    assert [(rect.get("class"), rect.get("x"), rect.get("width")) for rect in rects] == [
        ("a", "0.00%", "25.00%"),
        ("c", "25.00%", "75.00%"),
    ]
    assert parsed(plots.shares([], "none")).findall("rect") == []


def test_the_scale_names_its_unit_once() -> None:
    texts = [text.text for text in parsed(plots.scale(plots.Axis(0, 10), "ms")).findall("text")]
    assert texts == ["0", "2", "4", "6", "8", "10 ms"]
