"""Which operator of a file in 8 bits is blamed: faults in pieces that the reference does in operators of its own."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from gates.test_drift_long_segments import Samples
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RNG = np.random.default_rng(12)
LIMITS = config.load().limits
ROWS, WIDTH = 6, 24
TABLE, HEAD = (RNG.normal(size=shape).astype(np.float32) / 4 for shape in ((WIDTH, WIDTH), (WIDTH // 2, 10)))


def gated(path, fault=""):
    """A matrix, a half of it through the sigmoid of the other one, a matrix, a sigmoid, turned."""
    halves = ["one", "two"][:: -1 if fault == "exchanged" else 1]
    nodes = [
        helper.make_node("MatMul", ["x", "table"], ["h"]),
        helper.make_node("Split", ["h"], halves, axis=2, num_outputs=2),
        helper.make_node("Sigmoid", ["two"], ["gate"]),
        helper.make_node("Mul", ["one", "gate"], ["m"]),
        helper.make_node("MatMul", ["m", "head"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["s"]),
        helper.make_node("Transpose", ["z" if fault == "skipped" else "s"], ["y"], perm=[0, 2, 1]),
    ]
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, ROWS, WIDTH))
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 10, ROWS))
    held = [numpy_helper.from_array(values, name) for name, values in (("table", TABLE), ("head", HEAD))]
    kept = [node for node in nodes if fault != "skipped" or node.output[0] != "s"]
    graph = helper.make_graph(kept, "g", [taken], [given], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("", ""), ("exchanged", "outputs of Split are exchanged"), ("skipped", "Sigmoid is skipped")],
)
def test_the_operator_is_named(tmp_path, fault, cause):
    whole = gated(tmp_path / "float.onnx", fault)
    types = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
    small = tmp_path / "small.onnx"
    quantize_static(whole, small, Samples(), quant_format=QuantFormat.QDQ, **types)
    found = drift(gated(tmp_path / "right.onnx"), small, "", InProcess(), LIMITS)
    assert found.outcome is (Outcome.FAILED if fault else Outcome.PASSED), found.suspects
    if fault:
        assert cause in found.suspects[0].cause
