"""Sizes that one file leaves open and the other says: they are those of both, whatever would be proposed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.compare import compare
from pipeline.configs import load_configs
from pipeline.drift import drift

LIMITS = config.load().limits
_, GATES = load_configs(None, None)


def convolution(path, *sizes, factor=1.0):
    """x (1, 3, *sizes), strings are open: a convolution and relu."""
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    kernel[1] *= factor
    nodes = [helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["y"])]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *sizes])
        for name, channels in (("x", 3), ("y", 4))
    )
    made = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(kernel, "k")])
    onnx.save(helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


@pytest.mark.parametrize("turned", [False, True])
def test_a_file_whose_sizes_were_fixed_is_the_same_model_and_a_fault_in_it_is_found(tmp_path, turned):
    open_one, fixed = convolution(tmp_path / "a.onnx", "h", "w"), convolution(tmp_path / "b.onnx", 11, 7)
    pair = (fixed, open_one) if turned else (open_one, fixed)
    assert drift(*pair, "", InProcess(), LIMITS).outcome is Outcome.PASSED
    found = compare(*pair, "", GATES, InProcess(), LIMITS)
    assert {check.outcome for check in found.checks if check.required} == {Outcome.PASSED}
    wrong = convolution(tmp_path / "c.onnx", *(("h", "w") if turned else (11, 7)), factor=1.01)
    found = drift(pair[0], wrong, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Conv")
