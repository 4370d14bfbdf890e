"""Very small .onnx files, put together node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)


def saved(path: Path, weight: np.ndarray = WEIGHT, **changes: Any) -> Path:
    """y = leaky(x W) - 2; `slope`, `crossed`, `names`, `opset` and `twice` are changed on demand."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy")
    h, r, two = changes.get("names", ("h", "r", "two"))
    last = (two, r) if changes.get("crossed") else (r, two)
    nodes = [
        helper.make_node("Constant", [], [two], value=numpy_helper.from_array(np.array(2, np.float32))),
        helper.make_node("MatMul", ["x", "w"], [h]),
        helper.make_node("LeakyRelu", [h], [r], **({"alpha": changes["slope"]} if "slope" in changes else {})),
        helper.make_node("Sub", last, ["y"]),
    ]
    if changes.get("twice"):
        nodes.insert(3, helper.make_node("MatMul", [r, "w"], ["again"]))
        nodes[4].input[0] = "again"
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(weight, "w")])
    opset = [helper.make_opsetid("", changes.get("opset", 17))]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


def normed(path: Path, fold: bool = False, change: float = 0.0) -> Path:
    """y = relu(s (x W) + t), with s and t in operators of their own or, folded, in the weights."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy")
    scale, shift = np.float32([0.5, 2, 1.5, 0.7]), np.float32([0.1, -0.2, 0.3, 0])
    weight = (WEIGHT * scale if fold else WEIGHT).astype(np.float32)
    weight[1, 2] += np.float32(change)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"])]
    if not fold:
        nodes.append(helper.make_node("Mul", ["h", "s"], ["scaled"]))
    nodes.append(helper.make_node("Add", ["h" if fold else "scaled", "t"], ["moved"]))
    nodes.append(helper.make_node("Relu", ["moved"], ["y"]))
    held = [
        numpy_helper.from_array(v, n) for v, n in ((weight, "w"), (scale, "s"), (shift, "t")) if n != "s" or not fold
    ]
    graph = helper.make_graph(nodes, "g", [x], [y], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def dense_in_onnx(path: Path) -> None:
    """What `drift_models.dense` computes, with other names inside."""
    from drift_models import KERNEL

    a, b = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 6)) for name in "ab")
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4))
    nodes = [
        helper.make_node("Sub", ["a", "b"], ["d"]),
        helper.make_node("Gemm", ["d", "w", "c"], ["g"], transB=1),
        helper.make_node("Relu", ["g"], ["y"]),
    ]
    held = [numpy_helper.from_array(v, n) for v, n in ((KERNEL, "w"), (np.float32([0.1, 0.2, 0.3, -0.4]), "c"))]
    graph = helper.make_graph(nodes, "g", [a, b], [y], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
