from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from converters.errors import ModelError
from pipeline.checks.outcome import Outcome
from pipeline.report.decode import decode, encode


@dataclass(frozen=True)
class Inner:
    value: float | None
    shape: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Outer:
    name: str
    outcome: Outcome
    rows: Sequence[Inner] = ()
    table: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)
    free: Any = None


OUTER = Outer("a", Outcome.NOT_RUN, (Inner(None, (1, None)), Inner(2.5)), {"x": 1, "y": "t", "z": None}, [1, {"k": 2}])


def test_what_is_encoded_is_decoded() -> None:
    assert decode(Outer, encode(OUTER), "o") == OUTER


def test_encoded_values_are_plain() -> None:
    assert encode({"a": np.float32(0.5), "b": np.int64(3), "c": (1, np.True_), "d": math.nan}) == {
        "a": 0.5,
        "b": 3,
        "c": [1, True],
        "d": "NaN",
    }


def test_an_integer_is_a_number_but_true_is_not() -> None:
    assert decode(float, 3, "v") == 3.0
    with pytest.raises(ModelError, match="v: expected a number, found true or false"):
        decode(float, True, "v")
    with pytest.raises(ModelError, match="v: expected an integer, found true or false"):
        decode(int, True, "v")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks(text: str) -> None:
    value = decode(float, text, "v")
    assert encode(value) == text
    assert encode(decode(float | None, text, "v")) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nmae": "a"}, "o: unknown key 'nmae'; there are name, outcome, rows, table, free"),
        ({"outcome": "passed"}, "o.outcome: 'passed' is none of PASSED"),
        ({"outcome": []}, r"o.outcome: \[\] is none of"),
        ({"rows": [{}]}, r"o.rows\[0\]: 'value' is missing"),
        ({"rows": [{"value": 1, "shape": ["1"]}]}, r"o.rows\[0\].shape\[0\]: expected an integer, found a text"),
        ({"rows": "ab"}, "o.rows: expected a list, found a text"),
        ({"table": []}, "o.table: expected an object, found a list"),
        ({"table": {"x": [1]}}, "o.table.x: expected a number, found a list"),
    ],
)
def test_the_first_place_that_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        decode(Outer, {**encode(OUTER), **change}, "o")


@dataclass(frozen=True)
class Ranged:
    limits: tuple[float, float] | None = None


def test_a_pair_keeps_its_length() -> None:
    assert decode(Ranged, {"limits": [0, 255.0]}, "spec") == Ranged((0.0, 255.0))
    assert decode(Ranged, {"limits": None}, "spec") == Ranged()
    with pytest.raises(ModelError, match=r"spec.limits: expected 2 values, found 3"):
        decode(Ranged, {"limits": [0, 1, 2]}, "spec")
    with pytest.raises(ModelError, match=r"spec.limits\[1\]: expected"):
        decode(Ranged, {"limits": [0, "x"]}, "spec")
