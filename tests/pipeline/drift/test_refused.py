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
from pipeline.drift.refused import _apart

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
