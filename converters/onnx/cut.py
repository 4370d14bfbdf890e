"""Nodes of an ONNX file as a model of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from converters.errors import UnsupportedError


def segment(
    model: onnx.ModelProto, places: Sequence[int], given: Mapping[str, np.dtype], wanted: Sequence[str]
) -> onnx.ModelProto:
    """A model of the nodes at `places`, with the values `given` as inputs of their types and `wanted` as outputs.

    Its constants are kept. A name of `given` that is constant in the file becomes an input all the same.

    Raises:
        UnsupportedError: a node has a body, which may read anything of the graphs around it.
    """
    nodes = [model.graph.node[place] for place in places]
    for place, node in zip(places, nodes, strict=True):
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise UnsupportedError(f"node {place}, {node.op_type}, has a body")
    read = {name for node in nodes for name in node.input} - set(given)
    constants = [tensor for tensor in model.graph.initializer if tensor.name in read]
    makers = [other for other in model.graph.node if other.op_type == "Constant" and other.output[0] in read]
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
        for name, dtype in given.items()
    ]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in wanted]
    graph = onnx.helper.make_graph([*makers, *nodes], "cut", inputs, outputs, constants)
    return onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, functions=model.functions
    )
