from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from converters.errors import ToolkitError
from pipeline import config
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift
from pipeline.drift.following import agreeing
from pipeline.drift.work import Work
from pipeline.lone import open_artifact


def stored(path, widened, *between):
    """x (1, 8), a product, what stands `between` p and its 8 bits, relu: y (1, 4); each range `widened`."""
    rng = np.random.default_rng(0)
    held = {"w": rng.normal(size=(8, 4)), "s": 0.03 * widened, "t": 0.08 * widened**2, "u": 0.05 * widened**1.5}
    held |= {"small": 0.01, "one": 1.0}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("MatMul", ["xd", "w"], ["p"]),
        *between,
        helper.make_node("QuantizeLinear", ["m" if between else "p", "t", "z"], ["mq"]),
        helper.make_node("DequantizeLinear", ["mq", "t", "z"], ["md"]),
        helper.make_node("Relu", ["md"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "u", "z"], ["rq"]),
        helper.make_node("DequantizeLinear", ["rq", "u", "z"], ["y"]),
    ]
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in held.items() if name in used]
    tensors.append(numpy_helper.from_array(np.asarray(0, np.int8), "z"))
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, n))] for name, n in (("x", 8), ("y", 4))]
    graph = helper.make_graph(nodes, "g", *ends, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def judged(tmp_path, *between):
    one, other = stored(tmp_path / "a.onnx", 1.0), stored(tmp_path / "b.onnx", 1.04, *between)
    return drift(one, other, "", InProcess(), config.load().limits)


def test_what_two_calibrations_would_hide_is_told_where_an_operator_was_put_in(tmp_path):
    found = judged(tmp_path, helper.make_node("Add", ["p", "small"], ["m"]))
    assert found.outcome is Outcome.FAILED
    assert "Add is put in" in found.suspects[0].cause


@pytest.mark.parametrize("between", [(), (helper.make_node("Mul", ["p", "one"], ["m"]),)], ids=["nothing", "one"])
def test_another_calibration_and_a_factor_of_one_are_no_faults(tmp_path, between):
    assert judged(tmp_path, *between).outcome is Outcome.PASSED


def test_why_values_are_not_seen_is_said_once(tmp_path):
    class Blind(Work):
        def trace(self, artifact, graph, indices):
            raise ToolkitError("no values from inside")

    path = stored(tmp_path / "a.onnx", 1.0)
    limits = config.load().limits
    file = open_artifact(path, InProcess(tmp_path), limits)[0]
    work = Blind(file, file, None, InProcess(tmp_path), limits)
    net = comparable(work.ask(file, "graph"))
    boundary = (net.nodes[0].outputs[0],) * 2
    for _ in range(2):
        assert agreeing(align(net, net), work, [boundary]) == {}
    assert work.notes == ["no values from inside"]
