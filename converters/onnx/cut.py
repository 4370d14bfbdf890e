"""One node of an ONNX file as a model of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from converters.errors import UnsupportedError


def single_node(model: onnx.ModelProto, place: int, dtypes: Sequence[np.dtype]) -> onnx.ModelProto:
    """A model of the node at `place`: its constants kept, its computed inputs of these types in their order.

    Raises:
        UnsupportedError: the node has a body, which may read anything of the graphs around it.
    """
    node = model.graph.node[place]
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        raise UnsupportedError(f"node {place}, {node.op_type}, has a body")
    read = set(node.input)
    constants = [tensor for tensor in model.graph.initializer if tensor.name in read]
    makers = [other for other in model.graph.node if other.op_type == "Constant" and other.output[0] in read]
    known = {tensor.name for tensor in constants} | {other.output[0] for other in makers} | {""}
    computed = [name for name in dict.fromkeys(node.input) if name not in known]
    if len(computed) != len(dtypes):
        raise UnsupportedError(f"node {place}, {node.op_type}, takes {len(computed)} values, not {len(dtypes)}")
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
        for name, dtype in zip(computed, dtypes, strict=True)
    ]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = onnx.helper.make_graph([*makers, node], "cut", inputs, outputs, constants)
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
