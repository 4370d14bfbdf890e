from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from converters.onnx.linear_grids import linear_grids

CONSTANTS = {
    "xs": np.float32(0.5), "xz": np.uint8(3),
    "ws": np.float32([0.1, 0.2]), "wz": np.int8([0, 0]),
    "ys": np.float32(2), "yz": np.uint8(7),
    "bias": np.int32([5, 6]), "w": np.zeros((4, 2), np.int8),
}  # fmt: skip


def graph(*nodes):
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])] for name in "xy"]
    return helper.make_graph(nodes, "g", *ends)


def test_each_tensor_beside_an_integer_operator_has_its_grid_and_type():
    gemm = ["x8", "xs", "xz", "w", "ws", "wz", "bias", "ys", "yz"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["x8"]),
        helper.make_node("QGemm", gemm, ["h8"], domain="com.microsoft"),
        helper.make_node("Reshape", ["h8", "shape"], ["r8"]),
        helper.make_node("DequantizeLinear", ["r8", "ys", "yz"], ["y"]),
    ]
    found = linear_grids(graph(*nodes), CONSTANTS)
    assert {name: dtype for name, (dtype, _) in found.items()} == {
        "x8": "uint8",
        "w": "int8",
        "bias": "int32",
        "h8": "uint8",
        "r8": "uint8",
    }
    grids = {name: grid for name, (_, grid) in found.items()}
    assert (grids["w"].axis, grids["x8"].zero_points[0], grids["r8"].scales[0]) == (1, 3, 2)
    assert np.allclose(grids["bias"].scales, [0.05, 0.1])


def test_pairs_around_float_operators_say_their_grids_themselves():
    nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["x8"]),
             helper.make_node("DequantizeLinear", ["x8", "xs", "xz"], ["y"])]  # fmt: skip
    assert linear_grids(graph(*nodes), CONSTANTS) == {}
