from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import android, bench
from benchmarks.figure import line
from converters.errors import ToolkitError, UnavailableError
from pipeline.checks.outcome import Outcome


def test_the_worst_files_stand_beside_the_goals():
    steps = {"a": (0.0, 1.0, "litert-reference"), "b": (1.0, 0.97, "litert-xnnpack")}
    floats, whole = android.read({"a": 1e-7, "b": 3e-6}, steps)
    assert (floats.value, floats.outcome, floats.detail) == (3e-6, Outcome.PASSED, "b")
    assert (whole.value, whole.outcome) == (1.0, Outcome.PASSED)
    assert whole.detail == "b beside litert-xnnpack: 97.0% of the values are bit-equal"


def test_a_file_that_is_too_far_away_misses_its_goal():
    floats, whole = android.read({"a": 2e-5}, {"a": (2.0, 0.5, "litert-reference")})
    assert [floats.outcome, whole.outcome] == [Outcome.FAILED] * 2


def test_a_bundle_without_such_files_is_not_run():
    assert [figure.outcome for figure in android.read({}, {})] == [Outcome.NOT_RUN] * 2


def test_an_error_is_a_share_of_the_range_and_nan_is_infinitely_far():
    right = np.array([[0.0, 10.0]], np.float32)
    assert android.apart(right, np.array([[0.5, 10.0]], np.float32)) == pytest.approx(0.05)
    assert android.apart(right, np.array([[np.nan, 10.0]], np.float32)) == math.inf
    assert android.apart(right, right[0]) == math.inf


def test_surefires_lines_are_counted():
    told = ["[INFO] Tests run: 40, Failures: 0, Errors: 0, Skipped: 0", "[INFO] Tests run: 2, Failures: 0"]
    assert android.count(told) == 42


def test_the_first_result_is_that_of_the_first_cell_that_ran():
    refused = {"metrics": {}}
    ran = {"metrics": {"latency.load_ms": 5.0, "latency.first_ms": 20.0}}
    assert android.first_result_ms({"timings_s": {"open bundle": 0.4}, "cells": [refused, ran]}) == pytest.approx(425.0)


def test_a_figure_without_a_goal_is_told():
    figure = android.Figure("start", "time", 12.0, math.inf, "ms")
    assert figure.outcome is Outcome.PASSED
    assert "(no goal)" in line(figure)
    assert figure.to_json()["goal"] is None


def test_a_missing_tool_is_not_run_and_a_failing_one_is_a_missed_goal():
    def missing(workshop):
        yield android.require("no-such-tool")

    def failing(workshop):
        raise ToolkitError("make apk failed: two words")

    with pytest.raises(UnavailableError, match="no-such-tool not here: make setup-android"):
        android.require("no-such-tool")
    found = list(bench.measure(["missing", "failing"], None, {"missing": missing, "failing": failing}))
    assert [figure.outcome for figure in found] == [Outcome.NOT_RUN, Outcome.FAILED]
    assert "make setup-android" in found[0].detail
