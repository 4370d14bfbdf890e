from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from run_time_files import floats, rounding

from converters.onnx.graph import read_graph
from converters.onnx.run_time_weights import run_time_grids, settle


@pytest.mark.parametrize("per_channel", [False, True])
def test_integer_weights_stand_for_the_float_ones(tmp_path, per_channel):
    right = floats(tmp_path / "right.onnx")
    plain = {tensor.name: tensor for tensor in read_graph(right).tensors.values()}
    found = {t.name: t for t in read_graph(rounding(tmp_path / "d.onnx", right, per_channel)).tensors.values()}
    for name in ("k", "l", "w"):
        weights = found[f"{name}_quantized"]
        assert weights.quantization is not None
        one_a_channel = per_channel and name == "w"  # the quantizer gives convolutions one scale whatever is asked
        assert len(weights.quantization.scales) == (weights.shape[1] if one_a_channel else 1)
        step = weights.quantization.spread(weights.data.ndim)[0]
        assert (np.abs(weights.real() - plain[name].real()) <= 0.51 * step).all()


def test_operators_that_take_the_scale_as_an_input_are_read_too():
    node = helper.make_node("DynamicQuantizeMatMul", ["x", "w", "s", "z"], ["y"], domain="com.microsoft")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    constants = {"w": np.ones((4, 2), np.int8), "s": np.float32([0.5, 2]), "z": np.int8([1, 3])}
    found = run_time_grids(helper.make_graph([node], "g", ends[:1], ends[1:]), constants)
    assert found["w"].axis == 1
    assert found["w"].scales.tolist() == [0.5, 2]
    assert found["w"].zero_points.tolist() == [1, 3]


def test_a_scale_that_no_constant_says_gives_no_grid():
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    assert run_time_grids(helper.make_graph([node], "g", ends[:1], ends[1:]), {"w": np.ones((4, 2), np.int8)}) == {}


def test_weights_that_a_node_quantizes_become_what_it_gives(tmp_path):
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    scale, zero = np.float32([0.02, 0.01, 0.03]), np.int8([1, 0, -2])
    held = [numpy_helper.from_array(array, name) for array, name in ((weights, "w"), (scale, "s"), (zero, "z"))]
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["w"], ["q", "qs", "qz"]),
        helper.make_node("QuantizeLinear", ["w", "s", "z"], ["r"], axis=1),
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (4, 3))
    ends = [helper.make_empty_tensor_value_info(name) for name in ("q", "qs", "qz", "r", "y")]
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], ends, held), opset_imports=opset, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    want = session.run(None, {"x": weights})
    settled = settle(model, tmp_path)
    assert [node.op_type for node in settled.graph.node] == ["Constant", "Constant", "QuantizeLinear"]
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in settled.graph.initializer}
    known |= {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in settled.graph.node[:2]}
    for name, values in zip(("q", "qs", "qz", "r"), want, strict=False):
        np.testing.assert_array_equal(known[name], values)


@pytest.mark.parametrize("per_channel", [False, True])
def test_both_directions_of_a_recurrence_have_scales_of_their_own(per_channel):
    """Honest dynamic files of two-way LSTMs were FAILED: their weights counted as none."""
    node = helper.make_node("DynamicQuantizeLSTM", ["x", "w", "r", *[""] * 5, "s", "z", "s", "z"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    scales = np.arange(1, 17, dtype=np.float32).reshape(2, 8) if per_channel else np.float32([1, 2])
    constants = {name: np.ones((2, 3, 8), np.int8) for name in "wr"} | {
        "s": scales,
        "z": np.zeros_like(scales, np.int8),
    }
    found = run_time_grids(helper.make_graph([node], "g", ends[:1], ends[1:]), constants)
    for name in "wr":
        spread, zeros = found[name].spread(3)
        assert spread.shape == zeros.shape == ((2, 1, 8) if per_channel else (2, 1, 1))
        assert spread.reshape(scales.shape).tolist() == scales.tolist()


def test_sums_that_are_passed_on_keep_their_scale():
    nodes = [
        helper.make_node("MatMulInteger", ["x", "w"], ["sum"]),
        helper.make_node("Identity", ["sum"], ["same"]),
        helper.make_node("Cast", ["same"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "s"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    constants = {"w": np.ones((4, 2), np.int8), "s": np.float32(0.5)}
    assert run_time_grids(helper.make_graph(nodes, "g", ends[:1], ends[1:]), constants)["w"].scales.tolist() == [0.5]
