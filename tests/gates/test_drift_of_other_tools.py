"""Files as other tools write them: nodes out of order, weights apart, inputs in another order, integer operators."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from gates.test_drift_optimized import branching
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def two_inputs(path, order=("left", "right"), minuend="left"):
    """left, right (1, 6): the difference of both times a weight; `order` is that of the inputs."""
    other = "right" if minuend == "left" else "left"
    nodes = [helper.make_node("Sub", [minuend, other], ["d"]), helper.make_node("MatMul", ["d", "w"], ["y"])]
    held = [numpy_helper.from_array(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), "w")]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 6]) for name in order]
    outs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])]
    opset = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(helper.make_graph(nodes, "g", inputs, outs, held), ir_version=8, opset_imports=opset), path
    )
    return path


def test_inputs_bind_by_name_whatever_their_order(tmp_path):
    right = two_inputs(tmp_path / "right.onnx")
    found = drift(right, two_inputs(tmp_path / "turned.onnx", ("right", "left")), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_names_of_inputs_exchanged_fail(tmp_path, order):
    right, wrong = two_inputs(tmp_path / "right.onnx"), two_inputs(tmp_path / "wrong.onnx", order, "right")
    found = drift(right, wrong, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED


def disordered(path, target):
    """The same with its nodes the other way round."""
    model = onnx.load(path)
    nodes = [*model.graph.node][::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


def test_nodes_out_of_order_are_no_fault(tmp_path):
    right = two_inputs(tmp_path / "right.onnx")
    assert drift(right, disordered(right, tmp_path / "b.onnx"), "", InProcess(), LIMITS).outcome is Outcome.PASSED


def test_another_weight_in_a_file_out_of_order_fails(tmp_path):
    right, wrong = two_inputs(tmp_path / "right.onnx"), disordered(tmp_path / "right.onnx", tmp_path / "b.onnx")
    found = drift(right, scaled(wrong, "w", 1.01), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "MatMul")


def scaled(path, name, factor, column=1):
    """The file with one column of a weight times a factor."""
    model = onnx.load(path)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    values = numpy_helper.to_array(tensor).copy()
    values[..., column] = (
        np.rint(values[..., column] * factor) if values.dtype.kind in "iu" else values[..., column] * factor
    )
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    onnx.save(model, path)
    return path


def test_weights_in_another_file_are_looked_at(tmp_path):
    right = branching(tmp_path / "right.onnx")
    half = convert_float_to_float16(onnx.load(right), keep_io_types=True)
    onnx.save(half, tmp_path / "half.onnx", save_as_external_data=True, location="half.data", size_threshold=0)
    found = drift(right, tmp_path / "half.onnx", "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["proved_a"] == 1


def unspoken(path, kind="Exp"):
    """x (1, 6): behind a branch whose shape nobody infers comes another branch, which reads it."""

    def body(name, nodes):
        return helper.make_graph(nodes, name, [], [onnx.ValueInfoProto(name=nodes[-1].output[0])])

    first = {
        "then_branch": body("a", [helper.make_node("Squeeze", ["r", "axis"], ["s"])]),
        "else_branch": body("b", [helper.make_node("Identity", ["r"], ["i"])]),
    }
    second = {
        "then_branch": body("c", [helper.make_node("Mul", ["f", "w"], ["m"]), helper.make_node("Tanh", ["m"], ["t"])]),
        "else_branch": body("d", [helper.make_node(kind, ["f"], ["e"])]),
    }
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Size", ["x"], ["size"]),
        helper.make_node("Equal", ["size", "six"], ["small"]),
        helper.make_node("If", ["small"], ["f"], **first),
        helper.make_node("If", ["small"], ["g"], **second),
        helper.make_node("MatMul", ["g", "v"], ["y"]),
    ]
    rng = np.random.default_rng(0)
    held = [
        numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name)
        for name, size in (("w", 6), ("v", (6, 4)))
    ]
    held += [
        numpy_helper.from_array(np.array(6, np.int64), "six"),
        numpy_helper.from_array(np.array([0], np.int64), "axis"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [y], held), ir_version=8, opset_imports=opset), path)
    return path


@pytest.mark.parametrize(("kind", "outcome"), [("Exp", Outcome.PASSED), ("Softsign", Outcome.FAILED)])
def test_a_branch_in_16_bits_behind_one_of_no_known_shape(tmp_path, kind, outcome):
    right = unspoken(tmp_path / "right.onnx")
    half = convert_float_to_float16(onnx.load(unspoken(tmp_path / "other.onnx", kind)), keep_io_types=True)
    onnx.save(half, tmp_path / "half.onnx")
    assert drift(right, tmp_path / "half.onnx", "", InProcess(), LIMITS).outcome is outcome


def dense(path):
    """x (1, 16): two layers and one number behind a sigmoid."""
    rng = np.random.default_rng(1)
    sizes = ((16, 24), (24, 1))
    held = [numpy_helper.from_array(rng.normal(size=size).astype(np.float32), f"w{n}") for n, size in enumerate(sizes)]
    held += [
        numpy_helper.from_array(rng.normal(size=size[1]).astype(np.float32), f"b{n}") for n, size in enumerate(sizes)
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w1", "b1"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [y], held), ir_version=8, opset_imports=opset), path)
    return path


class Samples(CalibrationDataReader):
    """So few that the ends of what is one number a sample are badly known."""

    def __init__(self):
        rng = np.random.default_rng(2)
        self.rows = iter([{"x": rng.normal(size=(1, 16)).astype(np.float32)} for _ in range(10)])

    def get_next(self):
        """The next sample, or None."""
        return next(self.rows, None)


@pytest.fixture(scope="module", params=[QuantFormat.QOperator, QuantFormat.QDQ], ids=["operators", "pairs"])
def quantized(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantized")
    right = dense(folder / "right.onnx")
    types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(right, folder / "int8.onnx", Samples(), quant_format=request.param, **types)
    return right, folder / "int8.onnx"


def test_a_quantizer_of_few_samples_is_honest(quantized):
    found = drift(*quantized, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["weights_compared"] == 1


@pytest.mark.parametrize("name", ["w0_quantized", "w1_quantized", "b0_quantized"])
def test_a_weight_in_it_that_is_another_fails(quantized, tmp_path, name):
    right, honest = quantized
    onnx.save(onnx.load(honest), tmp_path / "wrong.onnx")
    wrong = scaled(tmp_path / "wrong.onnx", name, 0.5, column=3 if name != "w1_quantized" else 0)
    assert drift(right, wrong, "", InProcess(), LIMITS).outcome is Outcome.FAILED


@pytest.fixture(scope="module")
def dynamic(tmp_path_factory):
    """Sums so large that rounding their inputs leaves more than the biases are, twice; and its dynamic file."""
    folder = tmp_path_factory.mktemp("dynamic")
    rng = np.random.default_rng(5)
    held = [
        numpy_helper.from_array((rng.normal(size=size) * factor).astype(np.float32), name)
        for name, size, factor in (("w0", (512, 32), 1), ("b0", (32,), 0.1), ("w1", (32, 8), 1), ("b1", (8,), 0.1))
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w1", "b1"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 512])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])
    graph = helper.make_graph(nodes, "g", [x], [y], held)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), folder / "a.onnx")
    quantize_dynamic(folder / "a.onnx", folder / "b.onnx", weight_type=QuantType.QInt8)
    return folder / "a.onnx", folder / "b.onnx"


def test_a_dynamic_file_with_small_biases_is_honest(dynamic):
    found = drift(*dynamic, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("name", ["b0", "b1"])
def test_a_bias_that_rounding_hides_fails(dynamic, tmp_path, name):
    right, honest = dynamic
    model = onnx.load(honest)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.roll(numpy_helper.to_array(tensor), 1), name))
    onnx.save(model, tmp_path / "wrong.onnx")
    assert drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS).outcome is Outcome.FAILED


@pytest.mark.parametrize("quantized", [QuantFormat.QDQ], indirect=True)
@pytest.mark.parametrize("slot", [1, 2])
def test_integers_that_are_read_on_another_grid_fail(quantized, tmp_path, slot):
    right, honest = quantized
    model = onnx.load(honest)
    made = {name for node in model.graph.node if node.op_type == "QuantizeLinear" for name in node.output}
    reads = [node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in made]
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    values = numpy_helper.to_array(held[reads[-1].input[slot]])
    other = values * np.float32(1.02) if slot == 1 else np.uint8(values - np.where(values > 0, 1, -1))
    model.graph.initializer.append(
        numpy_helper.from_array(np.asarray(other, values.dtype).reshape(values.shape), "other")
    )
    reads[-1].input[slot] = "other"
    onnx.save(model, tmp_path / "wrong.onnx")
    found = drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert any("than they were made with" in suspect.cause for suspect in found.suspects)
