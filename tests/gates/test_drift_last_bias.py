"""A small bias at the end of a file of 16 bits: before and behind it a tensor is as like the reference's."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime.quantization as quantizing
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
WIDE = 192


def scored(path):
    """x (1, 192): a matrix, a relu, one score of them with a small bias, reshaped."""
    rng = np.random.default_rng(0)
    held = {"w": rng.normal(size=(WIDE, WIDE)) / 8, "b": rng.normal(size=WIDE), "v": rng.normal(size=(WIDE, 1))}
    held |= {"c": np.array([0.1])}
    constants = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in held.items()]
    constants.append(numpy_helper.from_array(np.array([-1], np.int64), "one"))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("MatMul", ["r", "v"], ["q"]),
        helper.make_node("Add", ["q", "c"], ["t"]),
        helper.make_node("Reshape", ["t", "one"], ["y"]),
    ]
    ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in (("x", [1, WIDE]), ("y", [1]))]
    opset = [helper.make_opsetid("", 21)]
    onnx.save(
        helper.make_model(helper.make_graph(nodes, "g", *ends, constants), opset_imports=opset, ir_version=10), path
    )
    return path


class Noise(quantizing.CalibrationDataReader):
    def __init__(self):
        self.rows = iter(np.random.default_rng(3).normal(size=(64, 1, WIDE)).astype(np.float32))

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    source = scored(folder / "m.onnx")
    kinds = {"activation_type": quantizing.QuantType.QUInt16, "weight_type": quantizing.QuantType.QInt8}
    quantizing.quantize_static(source, folder / "q.onnx", Noise(), **kinds)
    model = onnx.load(folder / "q.onnx")
    (added,) = (node for node in model.graph.node if node.op_type == "Add" and node.output[0] == "t")
    added.CopyFrom(helper.make_node("Identity", added.input[:1], added.output))
    onnx.save(model, folder / "lost.onnx")
    return source, folder / "q.onnx", folder / "lost.onnx"


def test_a_tensor_taken_for_the_one_before_its_bias_is_no_fault(files):
    """Honest 16-bit files of word splitters were FAILED: "Add is skipped"."""
    found = drift(*map(str, files[:2]), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def test_a_lost_bias_is(files):
    assert drift(str(files[0]), str(files[2]), "", InProcess(), LIMITS).outcome is Outcome.FAILED
