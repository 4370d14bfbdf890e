from __future__ import annotations

import json
import math

import pytest

from benchmarks.figure import Figure, exit_code, line
from pipeline.checks.outcome import Outcome


def figure(value, **changes):
    return Figure(**{"name": "help", "what": "a start", "value": value, "goal": 0.3, "unit": "s", **changes})


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (0.1, Outcome.PASSED),
        (0.3, Outcome.PASSED),
        (-1.0, Outcome.PASSED),
        (0.3001, Outcome.FAILED),
        (math.nan, Outcome.FAILED),
        (math.inf, Outcome.FAILED),
        (None, Outcome.NOT_RUN),
    ],
)
def test_a_goal_is_met_up_to_itself_and_never_by_what_is_no_number(value, outcome):
    assert figure(value).outcome is outcome


@pytest.mark.parametrize("value", [None, 0.1])
def test_a_measurement_that_broke_is_failed_whatever_it_gave(value):
    assert figure(value, broken=True).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.21, ["PASS ", "0.21 s", "<= 0.3 s"]), (0.4, ["FAIL ", "0.4 s"]), (None, ["NOT_RUN ", " - ", "<= 0.3 s"])],
)
def test_a_line_has_the_verdict_and_the_value_beside_its_goal(value, words):
    said = line(figure(value, detail="median of 9"))
    places = [said.index(word) for word in [*words, "median of 9"]]
    assert places == sorted(places)


def test_small_numbers_keep_their_digits():
    assert "3.2e-07" in line(figure(3.2e-7, goal=1e-5, unit=""))
    assert "<= 1.0e-05" in line(figure(3.2e-7, goal=1e-5, unit=""))


@pytest.mark.parametrize(
    ("values", "code"), [([0.1], 0), ([0.1, None], 0), ([0.1, 0.4], 1), ([None, 0.4], 1), ([], 1), ([None], 0)]
)
def test_the_exit_code_says_whether_a_goal_was_missed_or_nothing_was_asked(values, code):
    assert exit_code([figure(value) for value in values]) == code


@pytest.mark.parametrize("value", [0.1, None, math.nan])
def test_the_record_is_json_without_special_numbers(value):
    record = json.loads(json.dumps(figure(value).to_json(), allow_nan=False))
    assert record["outcome"] == figure(value).outcome
    assert record["goal"] == 0.3
