from __future__ import annotations

import numpy as np

from converters.contract import Arrays, TensorSpec
from converters.limits import with_limits


def found(spec: TensorSpec, table: int | None, value: np.ndarray | None = None, examples: bool = False) -> object:
    """The limits of an input to a model that indexes a table of `table` rows, or takes anything."""

    def call(inputs: Arrays) -> Arrays:
        rows = inputs[spec.name]
        if table is not None and rows.max() >= table:
            raise IndexError("index out of range in self")
        return {"y": np.float32(rows.sum(keepdims=True))}

    values = {spec.name: np.zeros([n or 1 for n in spec.shape], spec.dtype) if value is None else value}
    return with_limits((spec,), values, examples, call)[0].limits


def test_the_end_of_a_table_is_found_by_asking() -> None:
    for dtype in ("int32", "int64", "uint8"):
        for rows in (2, 3, 50, 64, 65, 200):
            assert found(TensorSpec("ids", (1, 9), dtype), rows) == (0.0, rows - 1.0)
    assert found(TensorSpec("ids", (1, 9), "int64"), 30_522) == (0.0, 30_521.0)


def test_integers_without_an_end_stay_open_but_for_bytes_and_few_elements() -> None:
    assert found(TensorSpec("mask", (1, 9), "int64"), None) is None
    assert found(TensorSpec("age", (1, 1), "int64"), None) == (0.0, 255.0)
    assert found(TensorSpec("pixels", (1, 3, 8, 8), "uint8"), None) == (0.0, 255.0)
    assert found(TensorSpec("one", (1, 9), "int32"), 1) is None, "a table of one row"


def test_float_examples_tell_their_range() -> None:
    spec, random = TensorSpec("x", (1, 64), "float32"), np.random.default_rng(0)
    unit = random.random((1, 64), np.float32)
    assert found(spec, None, unit, examples=True) == (0.0, 1.0)
    assert found(spec, None, unit * 300 - 20, examples=True) == ((unit * 300 - 20).min(), (unit * 300 - 20).max())
    assert found(spec, None, unit) is None, "a value of ours tells nothing"
    assert found(spec, None, np.ones((1, 64), np.float32), examples=True) is None


def test_limits_that_were_given_stay() -> None:
    assert found(TensorSpec("ids", (1, 9), "int64", limits=(2, 5)), 50) == (2, 5)


def test_limits_that_do_not_go_together_are_dropped() -> None:
    specs = tuple(TensorSpec(name, (1, 9), "int64") for name in ("a", "b"))

    def call(inputs: Arrays) -> Arrays:
        if (inputs["a"] + inputs["b"]).max() >= 10:
            raise IndexError
        return {"y": np.zeros(1, np.float32)}

    values = {name: np.zeros((1, 9), np.int64) for name in ("a", "b")}
    assert [spec.limits for spec in with_limits(specs, values, False, call)] == [None, None]


def test_an_integer_that_counts_work_ends_where_the_outputs_change_their_shape() -> None:
    spec = TensorSpec("length", (1,), "int64")
    call = lambda inputs: {"y": np.zeros(4 if inputs["length"].max() < 5 else 9, np.float32)}  # noqa: E731
    assert with_limits((spec,), {"length": np.zeros(1, np.int64)}, False, call)[0].limits == (0.0, 4.0)
