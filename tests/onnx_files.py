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
