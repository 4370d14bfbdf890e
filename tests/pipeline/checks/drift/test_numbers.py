from __future__ import annotations

import numpy as np
import pytest

from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.numbers import beside_one, changed


def fused(epsilon):
    tensors = {index: Tensor(index, name, None, "float32") for index, name in enumerate("xy")}
    op = Op(0, "LayerNormalization", (0,), (1,), {"epsilon": epsilon})
    return Known(Graph("onnx", tensors, (op,), (0,), (1,), ("x",), ("y",)), {})


def parted(epsilon):
    tensors = {index: Tensor(index, name, None, "float16") for index, name in enumerate("xvey")}
    tensors[2] = Tensor(2, "e", (), "float16", np.float16(epsilon))
    ops = (Op(0, "add", (0, 2), (1,)), Op(1, "rsqrt", (1,), (3,)))
    return Known(Graph("coreml", tensors, ops, (0,), (3,), ("x",), ("y",)), {})


@pytest.mark.parametrize("epsilon", [1e-3, 1e-5, 1e-6, 1e-12])
def test_an_epsilon_is_the_same_in_16_bits_and_in_an_addition(epsilon):
    assert list(changed(fused(epsilon), parted(epsilon), [])) == [] or epsilon == 1e-12  # which is 0 there


@pytest.mark.parametrize(("right", "wrong"), [(1e-5, 1e-4), (1e-3, 1.1e-3), (1e-6, 1e-5)])
def test_another_epsilon_is_told_whatever_it_does_to_values(right, wrong):
    ((_, suspect),) = changed(fused(right), parted(wrong), [])
    assert suspect.b.op_type == "add"
    assert suspect.cause.startswith("epsilon is ")


def test_a_norm_that_was_folded_says_nothing():
    bare = Known(Graph("onnx", {}, (), (), (), (), ()), {})
    assert list(changed(fused(1e-5), bare, [])) == []


def bent(kind, **attributes):
    tensors = {index: Tensor(index, name, None, "float32") for index, name in enumerate("xy")}
    return Known(Graph("onnx", tensors, (Op(0, kind, (0,), (1,), attributes),), (0,), (1,), ("x",), ("y",)), {})


@pytest.mark.parametrize(("alpha", "said"), [(1 / 6, 0), (0.1583, 1)])
def test_the_slope_of_a_hard_sigmoid_is_that_of_a_hard_swish(alpha, said):
    for right in ("HARD_SWISH", "aten.hardsigmoid"):
        assert len(list(changed(bent(right), bent("HardSigmoid", alpha=alpha), []))) == said
    assert len(list(changed(bent("sigmoid_hard", alpha=0.2), bent("HardSigmoid"), []))) == 0


def test_the_alpha_of_an_elu_is_one_where_it_is_not_said():
    assert list(changed(bent("ELU"), bent("Elu", alpha=1.0), [])) == []
    ((_, suspect),) = changed(bent("aten.elu"), bent("Elu", alpha=1.2), [])
    assert suspect.cause == "alpha is 1.2, not 1"


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("GELU", {"approximate": True}), ("gelu", {"mode": "TANH_APPROXIMATION"}), ("com.microsoft.FastGelu", {})],
)
def test_a_gelu_is_the_exact_one_or_the_approximation(kind, attributes):
    approximate = bent(kind, **attributes)
    assert list(changed(bent("aten.gelu", approximate="tanh"), approximate, [])) == []
    ((_, suspect),) = changed(bent("Gelu", approximate="none"), approximate, [])
    assert suspect.cause == "approximate is 1, not 0"
    assert list(changed(bent("aten.gelu"), bent("Gelu"), [])) == []


def chain(*ops):
    """Norms of (type, epsilon), each behind the one before; a variance of 1 for batch norms."""
    tensors = {index: Tensor(index, f"t{index}", None, "float32") for index in range(len(ops) + 1)}
    tensors |= {100 + k: Tensor(100 + k, f"c{k}", (2,), "float32", np.full(2, k, np.float32)) for k in range(2)}
    made = [
        Op(n, kind, (n, 100, 101) if kind == "batch_norm" else (n,), (n + 1,), {"epsilon": epsilon})
        for n, (kind, epsilon) in enumerate(ops)
    ]
    return Known(Graph("onnx", tensors, tuple(made), (0,), (len(ops),), ("x",), ("y",)), {})


def cuts(a, b, *places):
    """Segments that end at these operators of both."""
    found, last = [], (0, 0)
    for one, two in places:
        ends = [Partner(side[0], side[1], Layout((1,), (1,), ()), 100.0) for side in (last, (one + 1, two + 1))]
        ops_a, ops_b = a.graph.ops[last[0] : one + 1], b.graph.ops[last[1] : two + 1]
        found.append(Segment(ends[1], (ends[0],), tuple(ops_a), tuple(ops_b)))
        last = one + 1, two + 1
    return found


@pytest.mark.parametrize(("epsilon", "said"), [(1e-5, 0), (1e-3, 1)])
def test_a_batch_norm_that_was_folded_is_not_the_one_that_scales_a_group_norm(epsilon, said):
    a = chain(("aten.batch_norm", 1e-3), ("aten.group_norm", 1e-5), ("aten.instance_norm", 1e-5))
    b = chain(("relu", 0.0), ("layer_norm", epsilon), ("batch_norm", 1e-5), ("instance_norm", 1e-5))
    found = list(changed(a, b, cuts(a, b, (0, 0), (1, 2), (2, 3))))
    assert [suspect.b.op_index for _, suspect in found] == [1] * said


def test_only_a_batch_norm_of_variance_1_scales_by_its_epsilon():
    side = chain(("batch_norm", 1e-3), ("layer_norm", 1e-5))
    assert beside_one(side, side.graph.ops) == 1e-3
    assert beside_one(side, side.graph.ops[1:]) == 0
