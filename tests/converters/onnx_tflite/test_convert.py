"""A whole conversion: the ends of the file, its values, and what it refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from lowered_models import model_agrees
from onnx import TensorProto, helper, numpy_helper
from onnx_nodes import model_of, normal

from converters import job, prepass_job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError


def _source(tmp_path, model, inputs=None) -> Artifact:
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    found = job.inspect(path, Format.ONNX).signature
    found = Signature(inputs or found.inputs, found.outputs)
    return Artifact(path, Format.ONNX, Precision.FP32, found, found, model="m")


def _two_ends() -> onnx.ModelProto:
    """Two inputs and two outputs with names that TensorFlow would change; all shapes distinct."""
    nodes = [
        helper.make_node("MatMul", ["in.b", "w"], ["h"]),
        helper.make_node("Add", ["h", "in/a"], ["out:1"]),
        helper.make_node("ReduceMax", ["h"], ["out 0"], axes=[1], keepdims=0),
    ]
    sides = {"in/a": (1, 3), "in.b": (2, 5)}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in sides.items()]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("out:1", (2, 3)), ("out 0", (2,)))]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(normal(5, 3), "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_names_are_restored_and_bind(tmp_path) -> None:
    source = _source(tmp_path, _two_ends())
    made = job.convert("tflite_from_onnx", ConversionRequest(source, tmp_path / "m.tflite", Precision.FP32))
    assert {spec.name for spec in made.signature.inputs} == {"in/a", "in.b"}
    np.savez(tmp_path / "s.npz", **{"in/a": normal(4, 1, 3), "in.b": normal(4, 2, 5)})
    want = job.run_samples("onnxruntime", source, tmp_path / "s.npz")
    got = job.run_samples("litert-reference", made, tmp_path / "s.npz")
    assert set(want) == set(got) == {"out:1", "out 0"}
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-5)


def test_an_input_that_nothing_reads_and_one_that_goes_straight_through(tmp_path) -> None:
    model = _two_ends()
    del model.graph.node[1:]
    model.graph.node[0].op_type = "Identity"
    model.graph.node[0].input[:] = ["in.b"]
    model.graph.node[0].output[:] = ["out:1"]
    del model.graph.output[1:]
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
    source = _source(tmp_path, model)
    made = job.convert("tflite_from_onnx", ConversionRequest(source, tmp_path / "m.tflite", Precision.FP32))
    assert {spec.name for spec in made.signature.inputs} == {"in/a", "in.b"}


def test_a_batch_of_open_size_stays_open(tmp_path) -> None:
    x = normal(2, 3, 8, 8)
    model = model_of("Conv", x, {"w": normal(4, 3, 3, 3)}, pads=[1, 1, 1, 1])
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    source = _source(tmp_path, model, (TensorSpec("x", (None, 3, 8, 8), "float32"),))
    made = job.convert("tflite_from_onnx", ConversionRequest(source, tmp_path / "m.tflite", Precision.FP32))
    assert made.signature.inputs[0].shape[0] is None


def test_what_is_not_there_is_refused_by_name(tmp_path) -> None:
    x = normal(1, 1, 5, 5)
    regions = {"r": np.array([[0, 0, 4, 4]], np.float32), "i": np.array([0])}
    source = _source(tmp_path, model_of("RoiAlign", x, regions, mode="max", output_height=2, output_width=2))
    with pytest.raises(UnsupportedError, match="operator RoiAlign is not there"):
        job.convert("tflite_from_onnx", ConversionRequest(source, tmp_path / "m.tflite", Precision.FP32))


def test_with_the_pre_pass_it_knows_more(tmp_path) -> None:
    x = normal(5, 2, 3)
    weights = {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "b": normal(1, 32)}
    source = _source(tmp_path, model_of("LSTM", x, weights, hidden_size=4, outputs=3))
    with pytest.raises(UnsupportedError, match="LSTM"):
        job.convert("tflite_from_onnx", ConversionRequest(source, tmp_path / "m.tflite", Precision.FP32))
    ready = prepass_job.prepared("tflite_from_onnx", source, tmp_path / "ready.onnx")
    made = job.convert("tflite_from_onnx", ConversionRequest(ready, tmp_path / "m.tflite", Precision.FP32))
    np.savez(tmp_path / "s.npz", x=normal(3, 5, 2, 3))
    want = job.run_samples("onnxruntime", source, tmp_path / "s.npz")
    got = job.run_samples("litert-xnnpack", made, tmp_path / "s.npz")
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-5)


def test_a_branch_that_the_input_decides(tmp_path) -> None:
    """Both sides stay in the file; each reads what is around it."""
    x = normal(2, 3)
    side = {
        name: helper.make_graph(
            [helper.make_node(kind, ["h"], ["r"])],
            name,
            [],
            [helper.make_tensor_value_info("r", TensorProto.FLOAT, (2, 3))],
        )
        for name, kind in (("then_branch", "Exp"), ("else_branch", "Neg"))
    }
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["h"]),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["y"], **side),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 3)) for name in "xy"]
    held = [numpy_helper.from_array(np.array(v, np.float32), n) for v, n in ((2, "two"), (0, "zero"))]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:], held),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    model_agrees(model, np.abs(x))
    model_agrees(model, -np.abs(x))
