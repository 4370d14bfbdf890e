"""A float .onnx network of a convolution and a matrix, and the file of it that rounds its inputs as it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic


def floats(path: Path) -> Path:
    """x (1, 3, 9, 7): convolution, relu, convolution, mean over the window, a matrix with a bias: y (1, 5)."""
    rng = np.random.default_rng(3)

    def held(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32) * 0.4, name)

    weights = [held("k", 8, 3, 3, 3), held("kb", 8), held("l", 12, 8, 3, 3), held("lb", 12), held("w", 12, 5)]
    nodes = [
        helper.make_node("Conv", ["x", "k", "kb"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "l", "lb"], ["d"]),
        helper.make_node("GlobalAveragePool", ["d"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 9, 7))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5))
    graph = helper.make_graph(nodes, "g", [x], [y], [*weights, held("b", 5)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def rounding(path: Path, right: Path, per_channel: bool = False) -> Path:
    """What ONNX Runtime's quantizer makes of it."""
    quantize_dynamic(right, path, per_channel=per_channel, weight_type=QuantType.QInt8)
    return path
