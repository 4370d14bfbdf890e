from __future__ import annotations

from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.precision import quantizable, rounded, suspects


def chain(kinds, zero=-128):
    """RELU, EXP, NEG one behind the other, each output of these types."""
    scales = [(0.1, zero), (0.2, 3), (0.3, 4)]
    tensors = [tensor(0)] + [
        tensor(n, dtype=kind, scale=scales[n - 1] if kind == "int8" else None) for n, kind in enumerate(kinds, 1)
    ]
    ops = [Op(n, kind, (n,), (n + 1,)) for n, kind in enumerate(("RELU", "MEAN", "NEG"))]
    return comparable(graph(tensors, ops, (0,), (3,)), bridged=True)


FLOAT = ("float32",) * 3


def told(kinds, zero=-128):
    return [(s.kind, s.b.op_index) for s in suspects(align(chain(FLOAT), chain(kinds, zero), bridged=True))]


def test_a_whole_conversion_has_nothing_to_tell():
    assert told(("int8", "int8", "int8")) == []
    assert told(FLOAT) == []


def test_an_operator_left_in_float_is_told():
    assert told(("int8", "float32", "int8")) == [("float", 1)]


def test_what_is_never_below_zero_starts_at_the_least_integer():
    assert told(("int8", "int8", "int8"), zero=-127) == [("quantization", 0)]


def test_values_are_taken_behind_quantize_and_dequantize():
    tensors = [tensor(n) for n in range(3)]
    ops = [Op(0, "QuantizeLinear", (0,), (1,)), Op(1, "DequantizeLinear", (1,), (2,))]
    net = comparable(graph(tensors, ops, (0,), (2,)), bridged=True)
    assert (rounded(net, 0), rounded(net, 2)) == (2, 2)


def test_what_has_no_integer_kernel_everywhere_may_stay_in_float():
    assert quantizable("FULLY_CONNECTED")
    assert quantizable("Relu6")
    assert not quantizable("EXP")
    assert not quantizable("LEAKY_RELU")
