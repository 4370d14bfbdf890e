from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.grids import Grid, grid_of, held_within, quantized, reach
from pipeline.checks.drift.known import Known

STORED = np.random.default_rng(0).integers(-128, 128, size=(3, 1, 40)).astype(np.int8)
REAL = ((STORED.astype(np.float32) - 5) * np.float32(0.25)).astype(np.float32)


def side(values):
    ops = [Op(0, "QuantizeLinear", (0,), (1,)), Op(1, "DequantizeLinear", (1,), (2,)), Op(2, "Conv", (2,), (3,))]
    return Known(graph([tensor(n, (1, 40)) for n in range(4)], ops, (0,), (3,)), values)


def test_the_type_of_a_tensor_says_its_grid():
    known = Known(graph([tensor(0, dtype="int8", scale=(0.5, 3))], [], (0,), (0,)), {})
    assert grid_of(known, 0) == Grid(0.5, 3.0, -128, 127)


def test_integers_beside_it_show_the_grid_of_a_float_tensor():
    found = side({0: REAL + np.float32(0.01), 1: STORED, 2: REAL, 3: REAL})
    assert grid_of(found, 2) == grid_of(found, 0, read=True) == Grid(0.25, 5.0, -128, 127)
    assert grid_of(found, 0) is grid_of(found, 3) is None


def test_values_are_moved_to_the_grid_and_cut_at_its_ends():
    assert Grid(0.5, 0.0, -2, 2).settled(np.array([0.3, 9.0, -9.0])).tolist() == [0.5, 1.0, -1.0]


def test_constants_say_the_grid_that_two_values_would_not_show():
    held = [tensor(2, data=np.float32([0.25])), tensor(3, data=np.int8([5]), dtype="int8")]
    ops = [Op(0, "QuantizeLinear", (0, 2, 3), (1,)), Op(1, "DequantizeLinear", (1, 2, 3), (4,))]
    stored = np.array([[[5]], [[9]]], np.int8)
    real = ((stored - 5.0) * 0.25).astype(np.float32)
    known = Known(graph([tensor(0), tensor(1), *held, tensor(4)], ops, (0,), (4,)), {0: real, 1: stored, 4: real})
    assert grid_of(known, 4) == quantized(known, ops[0]) == Grid(0.25, 5.0, -128, 127)
    assert quantized(known, ops[1]) is None


def test_what_is_quantized_anew_reaches_no_further_than_before():
    held = [tensor(0), tensor(1, dtype="int8", scale=(0.1, 0)), tensor(2, dtype="int8", scale=(0.5, -100))]
    ops = [Op(0, "MUL", (0, 0), (1,)), Op(1, "QUANTIZE", (1,), (2,))]
    known = Known(graph(held, ops, (0,), (2,)), {})
    wide = grid_of(known, 2)
    assert wide is not None
    assert reach(known, ops[1:], wide) == reach(known, ops, wide) == pytest.approx((-12.8, 12.7))
    assert reach(known, ops[:1], wide) == wide.ends()


@pytest.mark.parametrize(
    ("between", "ends"), [("QUANTIZE", (-4.0, 4.0)), ("RELU", (-4.0, np.inf)), ("", (-4.0, np.inf))], ids=str
)
def test_a_tensor_is_held_within_what_makes_it_and_what_alone_reads_it(between, ends):
    """-4 makes tensor 1; 4 is a minimum behind it, of which the file holds the integer."""
    held = [tensor(8, (), data=np.float32(-4)), tensor(9, (), data=np.int8([16]), dtype="int8", scale=(0.25, 0))]
    last = Op(2, "MINIMUM", (2, 9), (3,)) if between else Op(2, "MINIMUM", (1, 9), (3,))
    ops = [Op(0, "MAXIMUM", (0, 8), (1,)), Op(1, between or "ABS", (1,), (2,)), last]
    known = Known(graph([*(tensor(n) for n in range(4)), *held], ops, (0,), (3,)), {})
    assert held_within(known, 1) == ends
    assert held_within(known, 0) == ((-4.0, np.inf) if between != "QUANTIZE" else (-4.0, 4.0))


def test_the_grid_is_the_same_where_an_identity_stands_between_what_stores_and_what_reads():
    ops = [Op(0, "QuantizeLinear", (0,), (1,)), Op(1, "Identity", (1,), (2,)), Op(2, "DequantizeLinear", (2,), (3,))]
    values = {0: REAL + np.float32(0.01), 1: STORED, 2: STORED, 3: REAL}
    known = Known(graph([tensor(n, (1, 40)) for n in range(4)], ops, (0,), (3,)), values)
    assert quantized(known, ops[0]) == Grid(0.25, 5.0, -128, 127)
