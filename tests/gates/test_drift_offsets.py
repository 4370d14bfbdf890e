"""An offset behind a layer whose weights alone are rounded: the reference is given them, so that nothing hides it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

KERNEL = np.random.default_rng(0).normal(size=(12, 16)).astype(np.float32)
STEP = np.float32(np.abs(KERNEL).max() / 7)


def saved(path, *, rounded, offset=None, exchanged=False):
    """x (1, 12) -> relu(x W), beside it its tanh, one behind the other: y (1, 32)."""
    held = {"w": KERNEL}
    nodes = []
    if rounded:
        held = {"stored": np.rint(KERNEL / STEP).astype(np.int8), "step": STEP, "zero": np.int8(0)}
        nodes.append(helper.make_node("DequantizeLinear", [*held], ["w"]))
    nodes += [helper.make_node("MatMul", ["x", "w"], ["product"]), helper.make_node("Relu", ["product"], ["r"])]
    if offset is not None:
        held["offset"] = np.float32(offset)
        nodes.append(helper.make_node("Add", ["r", "offset"], ["moved"]))
    last = "r" if offset is None else "moved"
    nodes.append(helper.make_node("Tanh", [last], ["t"]))
    nodes.append(helper.make_node("Concat", ["product" if exchanged else last, "t"], ["y"], axis=1))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, s)) for n, s in (("x", 12), ("y", 32))]
    tensors = [numpy_helper.from_array(np.asarray(values), name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("before", [False, True])
def test_an_offset_is_told_where_the_weights_are_known(tmp_path, before):
    """Against the float file, and against the honest file of 4 bits itself."""
    right, honest = (saved(tmp_path / f"{name}.onnx", rounded=name == "b") for name in "ab")
    wrong = saved(tmp_path / "wrong.onnx", rounded=True, offset=0.01)
    pool, limits = InProcess(), config.load().limits
    found = drift(honest if before else right, wrong, "", pool, limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Add")
    assert drift(right, honest, "", pool, limits).outcome is Outcome.PASSED


def test_what_reads_another_tensor_of_the_reference_is_told_itself(tmp_path):
    right = saved(tmp_path / "right.onnx", rounded=False)
    wrong = saved(tmp_path / "wrong.onnx", rounded=True, exchanged=True)
    found = drift(right, wrong, "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Concat")


GAIN = np.random.default_rng(1).uniform(0.4, 3, 16).astype(np.float32)


def folded(path, *, rounded, divisor=255.0):
    """x (1, 12) of 0 to 255 -> ((x / divisor - 0.5) W) * gain; the gain is in the weights where those are rounded."""
    held = {"by": np.float32(1 / divisor), "half": np.float32(-0.5), "w": KERNEL, "gain": GAIN}
    nodes = [helper.make_node("Mul", ["x", "by"], ["m"]), helper.make_node("Add", ["m", "half"], ["c"])]
    if rounded:
        whole, step = KERNEL * GAIN, np.abs(KERNEL * GAIN).max(0) / 127
        del held["w"], held["gain"]
        held |= {"stored": np.rint(whole / step).astype(np.int8), "step": step.astype(np.float32)}
        held |= {"zero": np.zeros(16, np.int8)}
        nodes.append(helper.make_node("DequantizeLinear", ["stored", "step", "zero"], ["w"], axis=1))
    nodes.append(helper.make_node("MatMul", ["c", "w"], ["y" if rounded else "p"]))
    nodes += [] if rounded else [helper.make_node("Mul", ["p", "gain"], ["y"])]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, s)) for n, s in (("x", 12), ("y", 16))]
    tensors = [numpy_helper.from_array(np.asarray(values), name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(("divisor", "outcome"), [(255.0, Outcome.PASSED), (250.0, Outcome.FAILED)])
def test_a_factor_is_told_where_a_norm_was_folded_into_rounded_weights(tmp_path, divisor, outcome):
    """Its factors are known as well as the rounded weights tell them, which is far better than their rounding."""
    right = folded(tmp_path / "right.onnx", rounded=False)
    file = folded(tmp_path / "b.onnx", rounded=True, divisor=divisor)
    assert drift(right, file, "", InProcess(), config.load().limits).outcome is outcome
