from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
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
