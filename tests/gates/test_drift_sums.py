"""Means of many values, which a kernel adds up one by one: honest, beside one that is a little too large."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

SHAPE = (1, 60, 56, 6, 8)
HEAD = np.random.default_rng(3).normal(size=(6, 6)).astype(np.float32)


def power(path, *, turned, gain=1.0):
    """y = head (gain * mean of x x over the axes 1, 2 and 4); `turned`: these axes are brought together before."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", SHAPE), ("y", (1, 6)))
    ]
    held = {"head": HEAD * np.float32(gain)}
    nodes = [helper.make_node("Mul", ["x", "x"], ["square"])]
    if turned:
        nodes += [
            helper.make_node("Transpose", ["square"], ["together"], perm=[0, 3, 1, 2, 4]),
            helper.make_node("ReduceMean", ["together"], ["mean"], axes=[2, 3, 4], keepdims=0),
        ]
    else:
        nodes.append(helper.make_node("ReduceMean", ["square"], ["mean"], axes=[1, 2, 4], keepdims=0))
    nodes.append(helper.make_node("MatMul", ["mean", "head"], ["y"]))
    tensors = [numpy_helper.from_array(values, name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(("gain", "outcome"), [(1.0, Outcome.PASSED), (1.0005, Outcome.FAILED)])
def test_a_mean_may_be_added_up_in_another_order_and_not_be_larger(tmp_path, gain, outcome):
    plain, turned = power(tmp_path / "a.onnx", turned=False), power(tmp_path / "b.onnx", turned=True, gain=gain)
    found = drift(plain, turned, "", InProcess(tmp_path), config.load().limits)
    assert found.outcome is outcome, found.suspects
