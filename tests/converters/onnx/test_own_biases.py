from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.onnx.own_biases import with_own_biases


def shared() -> onnx.ModelProto:
    """Three convolutions of one bias, `conv`, beside a tensor that is called as ONNX Runtime would call its copy."""
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", f"kernel{n}", "conv"], [name]) for n, name in enumerate(("a", "conv0"))]
    nodes += [helper.make_node("Neg", ["conv0"], ["negative"]), helper.make_node("Add", ["a", "negative"], ["sum"])]
    nodes.append(helper.make_node("Conv", ["sum", "kernel2", "conv"], ["y"]))
    held = {f"kernel{n}": kernel * (n + 1) for n in range(3)} | {"conv": np.float32([0.5, -1, 2])}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 6, 10])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 6, 10])],
        [numpy_helper.from_array(values, name) for name, values in held.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_each_reader_of_a_bias_but_the_first_has_a_copy() -> None:
    model = shared()
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "conv of 1:Conv"))  # the name is taken
    for place, node in enumerate(model.graph.node):
        node.name = f"{place}:{node.op_type}"
    with_own_biases(model.graph)
    read = [node.input[2] for node in model.graph.node if node.op_type == "Conv"]
    assert read == ["conv", "conv of 1:Conv'", "conv of 4:Conv"]
    held = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    assert [held[name] for name in read] == [[0.5, -1, 2]] * 3


def test_a_copy_is_not_called_as_an_activation(tmp_path: Path) -> None:
    """ONNX Runtime's quantizer called the copy `conv0`, and shapes did not fit any more: an audio model had no int8."""
    path = tmp_path / "net.onnx"
    onnx.save(shared(), path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(path, Format.ONNX, Precision.FP32, signature, signature, model="net")
    images = np.random.default_rng(1).uniform(-1, 1, (8, 1, 3, 6, 10)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", image=images)
    request = ConversionRequest(source, tmp_path / "int8.onnx", Precision.INT8, tmp_path / "samples.npz")
    made = job.convert("quantize_onnx", request)
    wanted, found = (job.open_session("onnxruntime", one).run_many({"image": images})["y"] for one in (source, made))
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


@pytest.mark.parametrize("shape", [(1, 5), (1, 1), (1,), ()])
def test_a_bias_of_more_axes_or_of_one_value_is_quantized(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """A matrix and an addition become a Gemm, whose bias (1, n) had ONNX Runtime's quantizer stop: "is ambiguous"."""
    random = np.random.default_rng(0)
    held = {"w": random.normal(size=(4, 5)), "c": random.normal(size=shape), "v": random.normal(size=(5, 3))}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "c"], ["a"])]
    nodes += [helper.make_node("Relu", ["a"], ["r"]), helper.make_node("MatMul", ["r", "v"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n])] for name, n in (("x", 4), ("y", 3))]
    stored = [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", *ends, stored)
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    signature = job.inspect(path, Format.ONNX).signature
    source = Artifact(path, Format.ONNX, Precision.FP32, signature, signature, model="net")
    x = random.uniform(-1, 1, (32, 1, 4)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", x=x)
    made = job.convert(
        "quantize_onnx", ConversionRequest(source, tmp_path / "int8.onnx", Precision.INT8, tmp_path / "samples.npz")
    )
    wanted, found = (job.open_session("onnxruntime", one).run_many({"x": x})["y"] for one in (source, made))
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_a_bias_whose_rows_differ_stays() -> None:
    rows = numpy_helper.from_array(np.ones((5, 5), np.float32), "c")
    kernel = numpy_helper.from_array(np.ones((5, 5), np.float32), "w")
    node = helper.make_node("Gemm", ["x", "w", "c"], ["y"], name="0:Gemm")
    graph = helper.make_graph([node], "g", [], [], [rows, kernel])
    with_own_biases(graph)
    assert list(graph.node[0].input) == ["x", "w", "c"]
