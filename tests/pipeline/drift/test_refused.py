from __future__ import annotations

import numpy as np
import onnx
import pytest
from drift_models import dense
from gates.in_process import InProcess
from onnx import TensorProto, helper
from onnx_files import dense_in_onnx

from converters.errors import ModelError
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift
from pipeline.drift.refused import _NODE, _apart

LIMITS = config.load().limits


def judged(one, two):
    return drift(one, two, "", InProcess(), LIMITS)


def stretched(path, target):
    """The ONNX file with its end repeated along an axis that the runtime does not find: it opens, and does not run."""
    model = onnx.load(path)
    end = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if name == end else name for name in node.output]
    axis = onnx.numpy_helper.from_array(np.array([7], np.int64), "times")
    model.graph.initializer.append(axis)
    model.graph.node.append(helper.make_node("GatherElements", ["before", "places"], [end], axis=1))
    places = onnx.numpy_helper.from_array(np.full((1, 4), 99, np.int64), "places")
    model.graph.initializer.append(places)
    onnx.save(model, target)
    return target


def test_a_file_that_does_not_run_where_the_reference_does_has_failed(tmp_path):
    right = dense(tmp_path / "right.tflite").path
    dense_in_onnx(tmp_path / "m.onnx")
    found = judged(right, stretched(tmp_path / "m.onnx", tmp_path / "wrong.onnx"))
    assert found.outcome is Outcome.FAILED
    assert (found.suspects[0].kind, found.b) == ("runtime", str(tmp_path / "wrong.onnx"))
    assert "no runtime of its format runs it" in found.suspects[0].cause


def test_a_damaged_file_has_failed_and_what_is_no_model_is_an_error(tmp_path):
    dense_in_onnx(tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    model.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(model, tmp_path / "wrong.onnx")
    found = judged(tmp_path / "m.onnx", tmp_path / "wrong.onnx")
    assert (found.outcome, found.suspects[0].cause) == (Outcome.FAILED, "the file cannot be read")
    (tmp_path / "notes.txt").write_text("no model")
    for path in (tmp_path / "notes.txt", tmp_path / "missing.onnx"):
        with pytest.raises(ModelError):
            judged(tmp_path / "m.onnx", path)


def test_a_file_of_other_inputs_has_failed(tmp_path):
    dense_in_onnx(tmp_path / "m.onnx")
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 9, 5))] for name in ("x", "y")]
    node = helper.make_node("Relu", ["x"], ["y"])
    model = helper.make_model(helper.make_graph([node], "g", *ends), ir_version=8)
    model.opset_import[0].version = 17
    onnx.save(model, tmp_path / "other.onnx")
    found = judged(dense(tmp_path / "right.tflite").path, tmp_path / "other.onnx")
    assert (found.outcome, found.suspects[0].kind) == (Outcome.FAILED, "file")


def test_outputs_that_are_far_away_are_told_from_rounding():
    want = np.random.default_rng(0).normal(size=(8, 5)) + 3
    assert not _apart(want, want + 0.2)
    assert _apart(want, want + 2)
    assert _apart(want, want * np.nan)


def test_a_file_that_declares_wrong_sizes_fails_in_the_operator_that_makes_them(tmp_path):
    """A stride was changed, and what the file says of its output stayed."""

    def strided(name, stride):
        kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
        nodes = [
            helper.make_node("Relu", ["x"], ["h"]),
            helper.make_node("Conv", ["h", "k"], ["c"], strides=[stride, 1]),
            helper.make_node("Tanh", ["c"], ["y"]),
        ]
        ends = [("x", (1, 3, 9, 9)), ("y", (1, 4, 7, 7))]
        taken, given = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in ends)
        held = [onnx.numpy_helper.from_array(kernel, "k")]
        model = helper.make_model(helper.make_graph(nodes, "g", taken, given, held), ir_version=8)
        model.opset_import[0].version = 13
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    right = strided("right.onnx", 1)
    assert judged(right, strided("same.onnx", 1)).outcome is Outcome.PASSED
    found = judged(right, strided("wrong.onnx", 2))
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Conv")
    assert "declares its output 'y'" in found.suspects[-1].measure


def test_what_litert_refuses_to_prepare_is_the_operator_that_it_names():
    text = (
        "If half_pixel_centers is True, align_corners must be False.Node number 9 (RESIZE_BILINEAR) failed to prepare."
    )
    assert _NODE.search(text).groups() == ("9", "RESIZE_BILINEAR")
    text = "reduce.cc:961 input->params.scale != output->params.scale.Node number 58 (REDUCE_MAX) failed to invoke."
    assert _NODE.search(text).groups() == ("58", "REDUCE_MAX")


def with_a_cast(path, opset):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy"]
    nodes = [
        helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT32),
        helper.make_node("Cast", ["whole"], ["y"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def test_a_newer_opset_says_the_same_and_one_that_no_runtime_takes_has_failed(tmp_path):
    old, new, future = (with_a_cast(tmp_path / f"{opset}.onnx", opset) for opset in (13, 25, 999))
    assert judged(old, new).outcome is Outcome.PASSED
    assert judged(new, old).outcome is Outcome.PASSED
    found = judged(old, future)
    assert (found.outcome, found.suspects[0].kind) == (Outcome.FAILED, "runtime")
    assert "Opset 999 is under development" in found.suspects[0].measure
