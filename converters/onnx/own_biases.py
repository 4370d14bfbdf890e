"""A bias of its own, with one axis, for every operator of an ONNX file: ONNX Runtime's quantizer counts on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

_BIASED = ("Conv", "ConvTranspose", "Gemm")
_WEIGHTS, _BIAS = 1, 2


def with_own_biases(graph: onnx.GraphProto) -> None:
    """Gives each operator but the first that reads a bias a copy, by a name that nothing else has; nodes have names.

    ONNX Runtime's quantizer does the same, as integers need, and numbers the copies without looking whether a number
    is free: a network of many tensors called `conv` and `conv2` then read an activation in the place of a bias. A bias
    of a Gemm that has more axes, or one value for all, is written with a value a column, which the quantizer counts by.
    """
    held = {tensor.name: tensor for tensor in graph.initializer}
    taken = held.keys() | {name for node in graph.node for name in (*node.input, *node.output)}
    read = set()
    for node in graph.node:
        if node.op_type not in _BIASED or len(node.input) <= _BIAS or node.input[_BIAS] not in held:
            continue
        bias = node.input[_BIAS]
        flat = _a_column(node, held)
        if bias in read or flat is not None:
            name = f"{bias} of {node.name}"
            while name in taken:
                name += "'"
            taken.add(name)
            copy = graph.initializer.add()
            copy.CopyFrom(held[bias] if flat is None else numpy_helper.from_array(flat))
            copy.name = node.input[_BIAS] = name
        read.add(bias)


def _a_column(node: onnx.NodeProto, held: Mapping[str, onnx.TensorProto]) -> np.ndarray | None:
    """The bias of a Gemm with a value a column; None where it is so, where its rows differ, or for other operators."""
    weights, bias = held.get(node.input[_WEIGHTS]), held[node.input[_BIAS]]
    if node.op_type != "Gemm" or weights is None:
        return None
    turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    columns, shape = weights.dims[0 if turned else 1], tuple(bias.dims)
    if shape == (columns,) or any(size != 1 for size in shape[:-1]):
        return None
    return np.broadcast_to(numpy_helper.to_array(bias).reshape(-1), (columns,)).copy()
