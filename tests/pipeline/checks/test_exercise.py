from __future__ import annotations

import dataclasses
import json

import pytest

from converters.errors import DataError
from pipeline.checks.exercise import Exercise
from pipeline.checks.gates import CoverageGate

GATE = CoverageGate(
    min_samples=20, min_distinct_share=0.9, min_class_share=1.0, min_bin_share=0.5, min_end_share=0.2,
    min_crossed_share=0.5, max_unmoved_share=0.5, reason="test",
)  # fmt: skip
GOOD = Exercise(900, 40, 1, 0.6, 0.95, 30, 20, 25, ("relu6 never above 6: 5 channels",))


def test_it_is_read_as_it_was_written() -> None:
    assert Exercise.from_json(GOOD.to_json()) == GOOD


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"channels": 3, "not_crossed": []})])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="what the golden inputs exercise cannot be read"):
        Exercise.from_json(text)


def test_inputs_that_show_enough() -> None:
    assert GOOD.faults(GATE) == []
    assert GOOD.metrics()["thresholds_crossed"] == 20
    assert (GOOD.metrics()["candidates"], GOOD.metrics()["not_crossed"]) == (900, "relu6 never above 6: 5 channels")
    assert "not_crossed" not in dataclasses.replace(GOOD, not_crossed=()).metrics()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"unmoved": 21}, "21 of 40 channels inside the model never move"),
        ({"ends_share": 0.1}, "10.0% of the channels reach both their ends, wanted 20%"),
        ({"bins_share": 0.25}, "25.0% of what channels take was shown, wanted 50%"),
        ({"crossed": 12}, "12 of 25 thresholds that can be crossed are, wanted 50%"),
    ],
)
def test_inputs_that_show_too_little(change: dict, reason: str) -> None:
    assert dataclasses.replace(GOOD, **change).faults(GATE) == [reason]


def test_a_model_without_activations_is_not_asked_for_thresholds() -> None:
    assert dataclasses.replace(GOOD, thresholds=0, crossed=0, reachable=0).faults(GATE) == []
