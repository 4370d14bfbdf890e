from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.net import comparable


def test_dead_operators_and_detours_are_gone():
    tensors = [tensor(i) for i in range(4)]
    ops = [Op(0, "RESHAPE", (0,), (1,)), Op(1, "RELU", (1,), (2,)), Op(2, "EXP", (1,), (3,))]
    net = comparable(graph(tensors, ops, (0,), (2,)))
    assert [(node.type, node.inputs) for node in net.nodes] == [("RELU", (0,))]
    assert net.maker[2] == (0, 0)
    assert net.readers[0] == [(0, 0)]


def test_weights_behind_a_dequantize_are_constants_as_they_are_stored():
    tensors = [tensor(0), tensor(1, data=[1, 2, 3, 4], dtype="float16"), tensor(2), tensor(3)]
    ops = [Op(0, "DEQUANTIZE", (1,), (2,)), Op(1, "MUL", (0, 2), (3,))]
    net = comparable(graph(tensors, ops, (0,), (3,)))
    assert [node.type for node in net.nodes] == ["MUL"]
    (constant,) = net.constants(net.nodes[0])
    np.testing.assert_array_equal(constant.data, np.array([1, 2, 3, 4], np.float16))


def test_a_fused_activation_stands_on_its_own():
    ops = [Op(0, "ADD", (0, 1), (2,), {"fusedActivationFunction": "RELU6"})]
    net = comparable(graph([tensor(0), tensor(1), tensor(2)], ops, (0, 1), (2,)))
    assert [(node.type, node.part, node.op.index) for node in net.nodes] == [("ADD", "", 0), ("RELU6", "activation", 0)]
    assert net.nodes[0].outputs == net.nodes[1].inputs


@pytest.mark.parametrize(("to", "back"), [("QUANTIZE", "DEQUANTIZE"), ("Quantize", "Dequantize")])
def test_between_two_precisions_quantize_is_a_bridge(to, back):
    tensors = [tensor(0), tensor(1, dtype="int8", scale=(0.1, 0)), tensor(2, dtype="int8", scale=(0.1, 0)), tensor(3)]
    ops = [Op(0, to, (0,), (1,)), Op(1, "RELU", (1,), (2,)), Op(2, back, (2,), (3,))]
    net = comparable(graph(tensors, ops, (0,), (3,)), bridged=True)
    assert [(node.type, node.inputs) for node in net.nodes] == [("RELU", (0,))]
    assert net.outputs == (2,)
    assert len(comparable(graph(tensors, ops, (0,), (3,))).nodes) == 3


@pytest.mark.parametrize(("kind", "attributes"), [("Identity", {}), ("Transpose", {"perm": (1, 0)}), ("Reshape", {})])
def test_what_only_moves_stored_weights_leaves_them_what_they_stand_for(kind, attributes):
    stored = tensor(1, data=[[1, 2, 3], [4, 5, 6]], dtype="int8", scale=([0.5, 2.0], [0, 0]))
    shape = {"Identity": (2, 3), "Transpose": (3, 2), "Reshape": (6,)}[kind]
    tensors = [tensor(0), stored, tensor(2, (2, 3)), tensor(3, shape), tensor(4)]
    ops = [Op(0, "DequantizeLinear", (1,), (2,)), Op(1, kind, (2,), (3,), attributes), Op(2, "MUL", (0, 3), (4,))]
    net = comparable(graph(tensors, ops, (0,), (4,)))
    assert [node.type for node in net.nodes] == ["MUL"]
    (constant,) = net.constants(net.nodes[0])
    want = np.array([[0.5, 1, 1.5], [8, 10, 12]])
    np.testing.assert_allclose(constant.real(), want.T if kind == "Transpose" else want.reshape(shape))
