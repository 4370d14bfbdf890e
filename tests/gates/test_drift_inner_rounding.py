"""A sigmoid behind 8 bits: where it is nearly 0, one step before it is much of what it gives, and no fault."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

STEP = np.float32(0.12)


def made(path, *, rounded, zero=-71, end="Sigmoid", less=0.0):
    """x (1, 12): a product, less 6 and `less`, a sigmoid: y (1, 1); `rounded` to 8 bits before it, down to -6.8."""
    rng = np.random.default_rng(2)
    codes = rng.integers(-127, 128, (12, 1)).astype(np.int8)
    offset = np.full(1, -6 - less, np.float32)
    held = {"codes": codes, "s": np.float32(0.005), "z": np.int8(0), "b": offset, "step": STEP, "zero": np.int8(zero)}
    held |= {"one": np.int8(-71), "fine": np.float32(0.04), "w": codes * np.float32(0.005)}
    weights = [helper.make_node("DequantizeLinear", ["codes", "s", "z"], ["wd"])] if rounded else []
    nodes = [*weights, helper.make_node("Gemm", ["xd", "wd", "b"] if rounded else ["x", "w", "b"], ["h"])]
    if rounded:
        nodes.insert(0, helper.make_node("QuantizeLinear", ["x", "fine", "z"], ["xq"]))
        nodes.insert(1, helper.make_node("DequantizeLinear", ["xq", "fine", "z"], ["xd"]))
        nodes.append(helper.make_node("QuantizeLinear", ["h", "step", "one"], ["q"]))
        nodes.append(helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["d"]))
    nodes.append(helper.make_node(end, ["d" if rounded else "h"], ["y"]))
    used = {name for node in nodes for name in node.input}
    constants = [numpy_helper.from_array(np.asarray(v), name) for name, v in held.items() if name in used]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c]) for n, c in (("x", 12), ("y", 1)))
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def test_one_step_of_what_is_rounded_inside_is_no_fault(tmp_path):
    right, small = made(tmp_path / "a.onnx", rounded=False), made(tmp_path / "b.onnx", rounded=True)
    found = drift(right, small, "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("fault", [{"zero": -70}, {"end": "HardSigmoid"}, {"less": 0.12}])
def test_a_step_for_all_and_another_function_are_faults(tmp_path, fault):
    right, wrong = made(tmp_path / "a.onnx", rounded=False), made(tmp_path / "b.onnx", rounded=True, **fault)
    assert drift(right, wrong, "", InProcess(), config.load().limits).outcome is Outcome.FAILED
