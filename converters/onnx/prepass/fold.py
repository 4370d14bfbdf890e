"""Computes once what does not depend on the model's inputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

LARGEST = 16 * 2**20
"""Bytes of a constant that may be made out of less: a file shall not swell by what a shape alone says."""
_BY_CHANCE = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")


def fold(model: onnx.ModelProto) -> int:
    """Replaces every node of constant inputs by its result, in place; how many."""
    graph = model.graph
    constant = {tensor.name: tensor for tensor in graph.initializer}
    empty = {name: tensor for name, tensor in _empty(graph).items() if name not in constant}
    constant |= empty
    ready: list[onnx.NodeProto] = []
    made: set[str] = set()
    for node in graph.node:
        names = set(captured(node)) | {name for name in node.input if name}
        if node.op_type in _BY_CHANCE or not names <= constant.keys() | made:
            continue
        ready.append(node)
        made |= {name for name in node.output if name}
    if not ready:
        return 0
    results = _evaluated(model, ready, constant)
    done = [node for node in ready if all(name in results for name in node.output if name)]
    for node in done:
        graph.initializer.extend(results[name] for name in node.output if name)
    _without(graph, done)
    return len(done)


def _empty(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """What is computed and has no elements: there is only one such tensor of a shape."""
    found = {}
    for value in (*graph.input, *graph.value_info):
        tensor = value.type.tensor_type
        sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
        if tensor.elem_type and 0 in sizes and -1 not in sizes:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            found[value.name] = numpy_helper.from_array(np.zeros(sizes, dtype), value.name)
    return found


def constants_of(model: onnx.ModelProto) -> int:
    """Turns Constant nodes into initializers, in place; how many."""
    nodes = [node for node in model.graph.node if node.op_type == "Constant" and _tensor(node) is not None]
    for node in nodes:
        tensor = _tensor(node)
        assert tensor is not None
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
    _without(model.graph, nodes)
    return len(nodes)


def captured(node: onnx.NodeProto) -> Iterator[str]:
    """The names of the outer graph that a node's subgraphs read."""
    for item in node.attribute:
        for graph in (*([item.g] if item.HasField("g") else []), *item.graphs):
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own |= {name for inner in graph.node for name in inner.output}
            for inner in graph.node:
                yield from (name for name in (*inner.input, *captured(inner)) if name and name not in own)
            yield from (value.name for value in graph.output if value.name not in own)


def _without(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    gone = {id(node) for node in nodes}
    kept = [node for node in graph.node if id(node) not in gone]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(copies)


def _tensor(node: onnx.NodeProto) -> onnx.TensorProto | None:
    (item,) = node.attribute
    if item.name == "value":
        made = onnx.TensorProto()
        made.CopyFrom(item.t)
        return made
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if item.name not in kinds:
        return None
    return numpy_helper.from_array(np.asarray(helper.get_attribute_value(item), kinds[item.name]))


def _evaluated(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], constant: dict[str, onnx.TensorProto]
) -> dict[str, onnx.TensorProto]:
    """The results of nodes by name, those that are no tensors or too large left out; all at once, else one by one."""
    try:
        return _run(model, nodes, constant)
    except Exception:  # one of them is nothing that ONNX Runtime does
        found: dict[str, onnx.TensorProto] = {}
        for node in nodes:
            try:
                found |= _run(model, [node], constant | found)
            except Exception:
                continue
        return found


def _run(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], constant: dict[str, onnx.TensorProto]
) -> dict[str, onnx.TensorProto]:
    outputs = [name for node in nodes for name in node.output if name]
    reads = {name for node in nodes for name in (*node.input, *captured(node)) if name in constant}
    values = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, "folded", [], values, [constant[name] for name in sorted(reads)])
    piece = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    results = session_of(piece).run(outputs, {})
    given = sum(len(constant[name].raw_data) for name in reads)
    return {
        name: numpy_helper.from_array(np.asarray(value), name)
        for name, value in zip(outputs, results, strict=True)
        if isinstance(value, np.ndarray | np.generic) and np.asarray(value).nbytes <= max(LARGEST, 8 * given)
    }


def session_of(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session that runs the graph as it stands."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
