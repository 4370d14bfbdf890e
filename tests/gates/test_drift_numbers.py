"""Numbers of operators that 16 bits hide from every output and every segment: each beside its honest twin."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

WEIGHT = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)


def normed(path, epsilon, dtype=np.float32):
    """x (4, 8): a matrix, a layer norm of variance about one, a tanh; computed in `dtype`."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Cast", ["x"], ["given"], to=kind),
        helper.make_node("MatMul", ["given", "w"], ["h"]),
        helper.make_node("LayerNormalization", ["h", "s", "b"], ["n"], epsilon=epsilon),
        helper.make_node("Tanh", ["n"], ["t"]),
        helper.make_node("Cast", ["t"], ["y"], to=TensorProto.FLOAT),
    ]
    held = {"w": WEIGHT, "s": np.linspace(0.5, 1.5, 8), "b": np.linspace(-1, 1, 8)}
    constants = [numpy_helper.from_array(values.astype(dtype), name) for name, values in held.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (4, 8)) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("wrong", [1e-4, 1e-6])
def test_another_epsilon_in_16_bits_fails_in_its_operator(tmp_path, wrong):
    right = normed(tmp_path / "right.onnx", 1e-5)
    limits = config.load().limits
    same = drift(right, normed(tmp_path / "same.onnx", 1e-5, np.float16), "", InProcess(), limits)
    assert same.outcome is Outcome.PASSED
    found = drift(right, normed(tmp_path / "wrong.onnx", wrong, np.float16), "", InProcess(), limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "LayerNormalization")
    assert "epsilon" in found.suspects[0].cause
