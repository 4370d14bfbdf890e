from __future__ import annotations

import importlib

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

across = importlib.import_module("pipeline.drift.across")
LIMITS = config.load().limits
WEIGHT = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)


def scaled(path, *, squares="Mul", mean="ReduceMean", adds="Add", eps=1e-3, fused=False):
    """y = h tanh(1 / sqrt(mean(h h) + eps)), h = x W; with every part as it is named. Fused it has no inner tensor."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node(squares, ["h", "h"], ["square"]),
        helper.make_node(mean, ["square"], ["mean"], axes=[1]),
        helper.make_node(adds, ["mean", "eps"], ["moved"]),
        helper.make_node("Sqrt", ["moved"], ["root"]),
        helper.make_node("Div", ["h", "root"], ["y"]),
    ]
    if fused:
        nodes[1:] = [helper.make_node("LpNormalization", ["h"], ["unit"], axis=1, p=2)]
        nodes += [helper.make_node("Mul", ["unit", "width"], ["y"])]
    held = [numpy_helper.from_array(WEIGHT, "w"), numpy_helper.from_array(np.float32([eps]), "eps")]
    held += [numpy_helper.from_array(np.float32([8**0.5]), "width")]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 8)) for name in "xy"]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [one for one in held if one.name in used])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def judged(tmp_path, right, wrong):
    pool = InProcess(tmp_path)
    a, b = (open_artifact(path, pool, LIMITS)[0] for path in (right, wrong))
    work = Work(a, b, None, pool, LIMITS)
    return across.across(*(work.ask(file, "graph") for file in (a, b)), work)


@pytest.mark.parametrize(
    ("fault", "type"),
    [
        ({"mean": "ReduceMax"}, "ReduceMax"),
        ({"adds": "Sub", "eps": 0.05}, "Sub"),
        ({"squares": "Add"}, "Add"),
        ({"eps": 0.1}, "Add"),
    ],
)
def test_the_operator_to_blame_is_the_one_in_whose_place_another_makes_it_right(tmp_path, fault, type):
    """The reference has none of the tensors inside: only a trial tells which of them is wrong."""
    right = scaled(tmp_path / "a.onnx", fused=True)
    honest = judged(tmp_path, right, scaled(tmp_path / "b.onnx", eps=1e-12))
    assert honest.outcome is Outcome.PASSED
    found = judged(tmp_path, right, scaled(tmp_path / "c.onnx", **({"eps": 1e-12} | fault)))
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type == type
