"""What half precision hides of windows, and what an order of inputs that is searched may not hide."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RANDOM = np.random.default_rng(3)
KERNEL, SCORES = RANDOM.normal(size=(4, 2, 3, 3)) / 4, RANDOM.normal(size=(4, 5))


def saved(path, nodes, taken, given, **held):
    constants = [numpy_helper.from_array(values, name) for name, values in held.items()]
    ends = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in side.items()] for side in (taken, given)
    ]
    graph = helper.make_graph(nodes, "g", *ends, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def picture(path, dtype, **window):
    """x (1, 2, 9, 9): a convolution of stride 2, the mean of all places and scores; computed in `dtype`."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Cast", ["x"], ["given"], to=kind),
        helper.make_node("Conv", ["given", "k"], ["c"], strides=[2, 2], **window),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["s"]),
        helper.make_node("Cast", ["s"], ["y"], to=TensorProto.FLOAT),
    ]
    held = {"k": KERNEL.astype(dtype), "w": SCORES.astype(dtype)}
    return saved(path, nodes, {"x": (1, 2, 9, 9)}, {"y": (1, 5)}, **held)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"auto_pad": "SAME_UPPER"}, ""),
        ({"pads": [0, 1, 2, 1]}, "padding in front"),
        ({"pads": [2, 2, 2, 2], "dilations": [2, 2]}, "dilations"),
    ],
)
def test_a_window_that_moves_otherwise_fails_in_its_convolution_in_16_bits(tmp_path, window, said):
    right = picture(tmp_path / "right.onnx", np.float32, pads=[1, 1, 1, 1])
    found = drift(right, picture(tmp_path / "b.onnx", np.float16, **window), "", InProcess(), config.load().limits)
    assert found.outcome is (Outcome.FAILED if said else Outcome.PASSED)
    if said:
        assert found.suspects[0].b.op_type == "Conv"
        assert said in found.suspects[0].cause


@pytest.mark.parametrize("kind", ["Tanh", "Sin"])
def test_an_order_of_inputs_that_is_searched_hides_no_fault(tmp_path, kind):
    def apart(name, one, two, kind):
        nodes = [helper.make_node(kind, [two], ["h"]), helper.make_node("Sub", [one, "h"], ["y"])]
        return saved(tmp_path / name, nodes, dict.fromkeys(sorted([one, two]), (1, 6)), {"y": (1, 6)})

    right, other = apart("a.onnx", "near", "far", "Tanh"), apart("b.onnx", "l", "r", kind)
    found = drift(right, other, "", InProcess(), config.load().limits)
    assert found.outcome is (Outcome.PASSED if kind == "Tanh" else Outcome.FAILED)


def pooled(path, kind="MaxPool", fill=None):
    """x (1, 4, 9, 9), a convolution, and a window over it whose margin is its own, or put in before it at a number."""
    held = {"k": KERNEL.astype(np.float32), "p": np.array([0, 0, 1, 1] * 2), "fill": np.float32(fill or 0)}
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    nodes = [helper.make_node("Conv", ["x", "k"], ["c"])]
    if fill is None:
        nodes.append(helper.make_node(kind, ["c"], ["y"], pads=[1, 1, 1, 1], **window))
    else:
        nodes += [helper.make_node("Pad", ["c", "p", "fill"], ["w"]), helper.make_node(kind, ["w"], ["y"], **window)]
    return saved(path, nodes, {"x": (1, 2, 9, 9)}, {"y": (1, 4, 4, 4)}, **held)


@pytest.mark.parametrize(
    ("fill", "kind", "outcome"),
    [
        (-np.inf, "MaxPool", Outcome.PASSED),
        (0.0, "MaxPool", Outcome.FAILED),
        (np.inf, "MaxPool", Outcome.FAILED),
        (-np.inf, "AveragePool", Outcome.FAILED),
    ],
)
def test_a_margin_at_infinity_before_a_maximum_is_the_same_window(tmp_path, fill, kind, outcome):
    right = pooled(tmp_path / "right.onnx", kind)
    found = drift(right, pooled(tmp_path / "b.onnx", kind, fill), "", InProcess(), config.load().limits)
    assert found.outcome is outcome
