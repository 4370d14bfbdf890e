from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.passing import parted, passing

RNG = np.random.default_rng(0)


def side(kinds, dtypes, weights=()):
    """A chain of operators; those of `weights` also read one that was integers."""
    held = len(kinds) + 1
    ops = [Op(0, "DEQUANTIZE", (held,), (held + 1,))]
    ops += [
        Op(n + 1, kind, (n, held + 1) if n in weights else (n,), (n + 1,)) for n, kind in enumerate(kinds)
    ]  # the weight's own operator comes first
    tensors = [tensor(n, dtype=dtype) for n, dtype in enumerate(dtypes)]
    tensors += [tensor(held, data=np.ones((1, 4)), dtype="int8"), tensor(held + 1)]
    values = {n: RNG.integers(-9, 9, (3, 1, 4)).astype(dtype) for n, dtype in enumerate(dtypes)}
    values[held + 1] = np.ones((3, 1, 4), np.float32)
    return Known(graph(tensors, ops, (0,), (len(kinds),)), values)


FLOATS = ("float32",) * 4
ROUNDED = ("float32", "float32", "int8", "float32", "float32")
A = side(("EXP", "NEG", "ABS"), FLOATS)


def test_values_that_pass_through_integers_between_operators_in_float_are_told():
    (suspect,) = passing(A, side(("EXP", "QUANTIZE", "DEQUANTIZE", "NEG"), ROUNDED))
    assert (suspect.kind, suspect.b.op_index, suspect.b.op_type) == ("extra", 2, "QUANTIZE")


@pytest.mark.parametrize(
    "b",
    [
        side(("EXP", "NEG"), FLOATS[:3]),
        side(("EXP", "QUANTIZE", "DEQUANTIZE", "CONV"), ROUNDED, weights=(3,)),
        side(("EXP", "QUANTIZE", "CONV"), ("float32", "float32", "int8", "int8")),
    ],
)
def test_what_a_quantized_operator_takes_is_rounded_by_right(b):
    assert not list(passing(A, b))


LONG = ("int8", *("float32",) * 3, "int8", "float32", "float32")
WRITTEN_OUT = ("DEQUANTIZE", "EXP", "NEG", "QUANTIZE", "DEQUANTIZE", "ABS")


def test_an_operator_written_out_between_integers_is_a_quantized_one():
    """A Softmax written out as five operators in a QDQ file was told: its last one takes no integers itself."""
    assert not list(passing(A, side(WRITTEN_OUT, LONG)))


@pytest.mark.parametrize(
    "b",
    [
        side(WRITTEN_OUT, LONG, weights=(1,)),
        side(("ABS", *WRITTEN_OUT[1:]), ("float32", *LONG[1:])),
    ],
)
def test_operators_that_hold_weights_or_take_floats_are_none_written_out(b):
    (suspect,) = passing(A, b)
    assert (suspect.b.op_index, suspect.b.op_type) == (4, "QUANTIZE")


def test_a_reference_that_rounds_itself_says_nothing():
    a = side(("EXP", "QUANTIZE", "DEQUANTIZE", "NEG"), ROUNDED)
    assert not list(passing(a, a))


def rounded(read, kind="DequantizeLinear"):
    """x rounded on a grid of 0.5 and 3, and read on another one."""
    held = {5: 0.5, 6: 3, 7: read[0], 8: read[1]}
    ops = [Op(0, "QuantizeLinear", (0, 5, 6), (1,)), Op(1, kind, (1, 7, 8), (2,))]
    tensors = [tensor(n) for n in range(3)] + [tensor(n, data=[value]) for n, value in held.items()]
    return Known(graph(tensors, ops, (0,), (2,)), {})


def test_integers_that_are_read_on_another_grid_are_told_beside_any_that_the_reference_reads_so():
    assert not list(parted(A, rounded((0.5, 3))))
    assert [suspect.measure for suspect in parted(A, rounded((0.51, 3)))] == ["scales differ"]
    assert [suspect.measure for suspect in parted(A, rounded((0.5, 4)))] == ["zero points differ"]
    assert not list(parted(rounded((0.25, 3)), rounded((0.25, 3))))  # a factor that was folded into it
    assert list(parted(rounded((0.25, 3)), rounded((0.51, 3))))
