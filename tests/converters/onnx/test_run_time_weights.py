from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from run_time_files import floats, rounding

from converters.onnx.graph import read_graph
from converters.onnx.run_time_weights import run_time_grids


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
