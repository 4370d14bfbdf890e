"""A bias of its own for every operator of an ONNX file that shares one with another."""

from __future__ import annotations

import onnx

_BIASED = ("Conv", "ConvTranspose", "Gemm")
_BIAS = 2


def with_own_biases(graph: onnx.GraphProto) -> None:
    """Gives each operator but the first that reads a bias a copy, by a name that nothing else has; nodes have names.

    ONNX Runtime's quantizer does the same, as integers need, and numbers the copies without looking whether a number
    is free: a network of many tensors called `conv` and `conv2` then read an activation in the place of a bias.
    """
    held = {tensor.name: tensor for tensor in graph.initializer}
    taken = held.keys() | {name for node in graph.node for name in (*node.input, *node.output)}
    read = set()
    for node in graph.node:
        if node.op_type not in _BIASED or len(node.input) <= _BIAS or node.input[_BIAS] not in held:
            continue
        bias = node.input[_BIAS]
        if bias in read:
            name = f"{bias} of {node.name}"
            while name in taken:
                name += "'"
            taken.add(name)
            copy = graph.initializer.add()
            copy.CopyFrom(held[bias])
            copy.name = node.input[_BIAS] = name
        read.add(bias)
