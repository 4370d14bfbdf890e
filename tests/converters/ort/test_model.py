from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tiny_models import MODELS

from converters.contract import Artifact
from converters.errors import ModelError
from converters.ort.model import as_onnx

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ["torch_conv", "torch_two_in_two_out", "torch_mixed"])
def test_the_model_that_it_stands_for_computes_the_same(name: str, ort_file: Callable[..., Artifact]) -> None:
    path = ort_file(name).path
    rebuilt = onnxruntime.InferenceSession(as_onnx(path).SerializeToString())
    stored = onnxruntime.InferenceSession(path)
    sample = {key: value[0] for key, value in MODELS[name].inputs(1).items()}
    for ours, theirs in zip(rebuilt.run(None, sample), stored.run(None, sample), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)  # the file is optimised once more


def test_bodies_and_attributes_of_every_kind_come_back(tmp_path: Path) -> None:
    """A branch on an input, with a constant and a dynamic axis."""

    def body(factor: float) -> onnx.GraphProto:
        constant = helper.make_tensor("k", TensorProto.FLOAT, [1], [factor])
        return helper.make_graph(
            [helper.make_node("Mul", ["x", "k"], ["y_"])],
            "body",
            [],
            [helper.make_tensor_value_info("y_", TensorProto.FLOAT, ["n"])],
            [constant],
        )

    graph = helper.make_graph(
        [helper.make_node("If", ["yes"], ["y"], then_branch=body(2.0), else_branch=body(3.0))],
        "branch",
        [
            helper.make_tensor_value_info("yes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "branch.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    made = as_onnx(tmp_path / "branch.ort")
    assert made.graph.input[1].type.tensor_type.shape.dim[0].dim_param == "n"
    session = onnxruntime.InferenceSession(made.SerializeToString())
    for yes, factor in ((True, 2.0), (False, 3.0)):
        (found,) = session.run(None, {"yes": np.array(yes), "x": np.ones(4, np.float32)})
        np.testing.assert_array_equal(found, np.full(4, factor, np.float32))


def test_a_damaged_file_is_named(tmp_path: Path, ort_file: Callable[..., Artifact]) -> None:
    data = ort_file("torch_conv").path.read_bytes()
    for size in (30, 200, len(data) // 2):
        path = tmp_path / f"{size}.ort"
        path.write_bytes(data[:size])
        with pytest.raises(ModelError, match="damaged"):
            as_onnx(path)


def test_another_format_is_refused(tmp_path: Path, onnx_file: Callable[..., Artifact]) -> None:
    with pytest.raises(ModelError, match="holds onnx, not ORT format"):
        as_onnx(onnx_file("torch_conv").path)


def test_a_single_number_keeps_that_it_has_no_axes(tmp_path: Path) -> None:
    """As a sampling rate has: without its shape the model would be against the specification."""
    x, rate = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in (("x", [4]), ("rate", [])))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "rate"], ["y"])], "g", [x, rate], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "m.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), options)
    made = as_onnx(tmp_path / "m.ort")
    onnx.checker.check_model(made)
    assert [list(value.type.tensor_type.shape.dim) for value in made.graph.input if value.name == "rate"] == [[]]
