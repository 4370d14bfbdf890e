from __future__ import annotations

import copy

import pytest

from benchmarks.accuracy import read
from pipeline.checks.outcome import Outcome


def cell(framework, precision, runtime, metrics):
    return {
        "id": f"m_{framework}_litert_{precision}@{runtime}",
        "framework": framework,
        "precision": precision,
        "metrics": metrics,
    }


REPORT = {
    "cells": [
        cell(framework, precision, runtime, {"accuracy.drop_points": drop, "parity.max_rel_range": 3e-7})
        for framework in ("torch", "tensorflow")
        for precision in ("fp32", "int8", "int8-io")
        for runtime, drop in (("litert-xnnpack", 0.1), ("litert-reference", -0.2))
    ]
}


def changed(id, **metrics):
    report = copy.deepcopy(REPORT)
    next(cell for cell in report["cells"] if cell["id"] == id)["metrics"].update(metrics)
    return list(read(report))


def test_each_route_has_its_worst_cell_beside_the_goal():
    figures = list(read(REPORT))
    assert [figure.value for figure in figures] == [0.1, 0.1, 3e-7, 3e-7]
    assert [figure.outcome for figure in figures] == [Outcome.PASSED] * 4
    assert "worst of 4 cells (litert-xnnpack)" in figures[0].detail


@pytest.mark.parametrize(
    ("id", "metrics", "index"),
    [
        ("m_torch_litert_int8@litert-reference", {"accuracy.drop_points": 0.6}, 0),
        ("m_torch_litert_int8-io@litert-xnnpack", {"accuracy.drop_points": 0.6}, 0),
        ("m_tensorflow_litert_int8@litert-xnnpack", {"accuracy.drop_points": 0.6}, 1),
        ("m_torch_litert_fp32@litert-reference", {"parity.max_rel_range": 2e-5}, 2),
        ("m_tensorflow_litert_fp32@litert-reference", {"parity.max_rel_range": 2e-5}, 3),
    ],
)
def test_one_bad_cell_misses_its_goal_and_no_other(id, metrics, index):
    outcomes = [figure.outcome for figure in changed(id, **metrics)]
    assert [place for place, outcome in enumerate(outcomes) if outcome is Outcome.FAILED] == [index]


@pytest.mark.parametrize("value", [None, "NaN"])
def test_a_cell_without_its_number_is_a_missed_goal(value):
    figure = changed("m_torch_litert_int8@litert-xnnpack", **{"accuracy.drop_points": value})[0]
    assert figure.outcome is Outcome.FAILED
    assert "has no accuracy.drop_points: m_torch_litert_int8@litert-xnnpack" in figure.detail


def test_a_route_that_was_not_taken_is_a_missed_goal():
    figures = list(read({"cells": [cell for cell in REPORT["cells"] if cell["framework"] == "torch"]}))
    assert [figure.outcome for figure in figures] == [Outcome.PASSED, Outcome.FAILED] * 2
    assert "no int8/int8-io cell of tensorflow" in figures[1].detail
