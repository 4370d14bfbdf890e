from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from rooted_models import both

from pipeline.drift.anchoring import anchored
from pipeline.drift.pairing import pairs_of, segments_of

WEIGHTS = [np.random.default_rng(n).normal(size=(8, 8)).astype(np.float32) for n in range(2)]
BIAS = np.float32([3, -4, 2, 5, -3, 4, -5, 1])


def layered(path, bias=BIAS, weights=WEIGHTS):
    """y = tanh(x V) W + bias, and a tanh of it."""
    nodes = [
        helper.make_node("MatMul", ["x", "v"], ["h"]),
        helper.make_node("Tanh", ["h"], ["t"]),
        helper.make_node("MatMul", ["t", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["z"]),
        helper.make_node("Tanh", ["z"], ["y"]),
    ]
    held = [numpy_helper.from_array(v, n) for v, n in ((weights[0], "v"), (weights[1], "w"), (bias, "b"))]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 8)) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def found(tmp_path, **changes):
    alone = both(tmp_path, layered(tmp_path / "a.onnx"), layered(tmp_path / "b.onnx", **changes))
    inputs = set(alone.b.graph.inputs)
    ends = {i: p for i, p in pairs_of(alone.a, alone.b).items() if i in inputs | set(alone.b.graph.outputs)}
    names = alone.b.graph.tensors
    return {names[i].name for i in anchored(alone, ends, segments_of(alone.a, alone.b, ends))}


def test_a_layer_is_known_by_its_kernel_whatever_its_bias_does_to_its_values(tmp_path):
    assert {"z", "m"} & found(tmp_path, bias=np.zeros(8, np.float32))


@pytest.mark.parametrize("by", [-1.0, 0.0])
def test_another_kernel_is_no_anchor(tmp_path, by):
    assert not {"z", "m"} & found(tmp_path, weights=[WEIGHTS[0], WEIGHTS[1][::-1] + np.float32(by)])
