from __future__ import annotations

import pytest

from benchmarks.route import Rivals, figure, rivals
from pipeline.checks.latency import Comparison
from pipeline.checks.outcome import Outcome
from pipeline.checks.sequential import Interval

RIVALS = Rivals("torch tflite fp32", "litert-xnnpack", "a.tflite", ("b.tflite",))


def timed(ratio, width=0.01):
    found = Interval(ratio, ratio * (1 - width), ratio * (1 + width))
    return RIVALS, "b.tflite", Comparison(found, found, "equal", "equal", 12, 48)


def candidate(route, outcome="PASSED"):
    return {"route": route, "artifact": f"{route}.tflite", "outcome": outcome}


def choice(*candidates, route="a", fastest="a"):
    names = {"framework": "torch", "target": "tflite", "precision": "fp32", "runtime": "litert-xnnpack"}
    return {**names, "route": route, "fastest": fastest, "candidates": list(candidates)}


def test_only_routes_that_pass_are_rivals():
    report = {"choices": [choice(candidate("a"), candidate("b"), candidate("c", "FAILED"))]}
    assert rivals(report) == [RIVALS]


@pytest.mark.parametrize(
    "lone", [choice(candidate("a"), candidate("c", "FAILED")), choice(candidate("a"), candidate("b"), fastest="")]
)
def test_a_file_without_a_timed_rival_is_none(lone):
    assert rivals({"choices": [lone]}) == []


def test_a_file_that_is_surely_slower_than_one_rival_misses_the_goal():
    found = figure([timed(0.6), timed(1.05)])
    assert found.outcome is Outcome.FAILED
    assert found.value == pytest.approx(1.04)
    assert "1 files, 2 rivals" in found.detail


def test_within_noise_the_goal_is_met():
    assert figure([timed(0.6), timed(1.005)]).outcome is Outcome.PASSED


def test_nothing_to_compare_is_not_run():
    found = figure([])
    assert found.outcome is Outcome.NOT_RUN
    assert "toolchains build" in found.detail
