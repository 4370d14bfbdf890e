from __future__ import annotations

import numpy as np
import onnx
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift
from pipeline.drift.sizes import sized
from pipeline.lone import open_artifact

LIMITS = config.load().limits


def mirrored(path, least=30):
    """y = x with `least` mirrored values before it: x (batch, time) must be longer than that."""
    pads = numpy_helper.from_array(np.array([0, least, 0, 0], np.int64), "pads")
    node = helper.make_node("Pad", ["x", "pads"], ["y"], mode="reflect")
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"])] for name in "xy"]
    model = helper.make_model(helper.make_graph([node], "g", *ends, [pads]), ir_version=8)
    model.opset_import[0].version = 17
    onnx.save(model, path)
    return open_artifact(path, InProcess(), LIMITS)[0]


def test_open_axes_get_the_first_size_with_which_both_models_run(tmp_path):
    a, b = mirrored(tmp_path / "a.onnx"), mirrored(tmp_path / "b.onnx", least=70)
    assert sized(a, a, InProcess(), LIMITS).source.inputs[0].shape == (1, 64)
    assert sized(a, b, InProcess(), LIMITS).source.inputs[0].shape == (1, 128)


def test_where_the_other_runs_with_no_size_the_reference_decides(tmp_path):
    a, b = mirrored(tmp_path / "a.onnx"), mirrored(tmp_path / "b.onnx", least=10**6)
    assert sized(a, b, InProcess(), LIMITS).source.inputs[0].shape == (1, 64)


def test_what_says_its_sizes_keeps_them(tmp_path):
    a = sized(mirrored(tmp_path / "a.onnx"), mirrored(tmp_path / "b.onnx"), InProcess(), LIMITS)
    assert sized(a, a, InProcess(), LIMITS) is a


def test_a_model_that_runs_with_no_size_is_judged_by_its_graph_and_that_is_said(tmp_path):
    path = mirrored(tmp_path / "a.onnx", least=10**6).path
    found = drift(path, path, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.PASSED
    assert any("no sizes of the open axes were found" in note for note in found.notes)
