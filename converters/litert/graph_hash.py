"""A hash of what a .tflite file means: converters are not byte-deterministic.

Independent of tensor names, of the order of tensors, buffers, operators and operator codes; dependent on weights,
attributes, types, quantization, topology, and the signature's names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.digest import digest
from converters.errors import ModelError
from converters.litert.flatbuffer import Model


def graph_hash(model: Model) -> str:
    """The hex digest of every subgraph, in order: control flow refers to subgraphs by number."""
    return digest("graphs", *(subgraph_hash(model, index) for index in range(model.root.SubgraphsLength()))).hex()


def subgraph_hash(model: Model, number: int) -> bytes:
    """The hash of one subgraph, by its number: what an operator that calls it does."""
    graph = model.root.Subgraphs(number)
    tensors = list(model.items(graph, "Tensors"))
    inputs, outputs = _names(model, number, graph)
    known: dict[int, bytes] = {}
    for index, name in inputs.items():
        known[index] = digest("input", name, _kind(model, tensors[index]))

    def value(index: int) -> bytes:
        """What the tensor holds: by its bytes, or by how it came about."""
        if index < 0:
            return b"none"
        if index not in known:
            data = model.constant(tensors[index])
            known[index] = digest("tensor", _kind(model, tensors[index]), b"" if data is None else data.tobytes())
        return known[index]

    ops = []
    for op in model.items(graph, "Operators"):
        read = [value(int(index)) for index in model.items(op, "Inputs")]
        ops.append(digest("op", model.op_type(op), _attributes(model, op), *read))
        for place, index in enumerate(model.items(op, "Outputs")):
            known[int(index)] = digest("made", ops[-1], str(place), _kind(model, tensors[int(index)]))
    ends = sorted(digest(name, value(index)) for index, name in outputs.items())
    return digest("graph", *sorted(ops), "outputs", *ends)


def _names(model: Model, number: int, graph: Any) -> tuple[dict[int, str], dict[int, str]]:
    """The names of a subgraph's inputs and outputs by tensor: the signature's, else their place."""
    inputs = {int(index): str(place) for place, index in enumerate(model.items(graph, "Inputs"))}
    outputs = {int(index): str(place) for place, index in enumerate(model.items(graph, "Outputs"))}
    for definition in model.items(model.root, "SignatureDefs"):
        if definition.SubgraphIndex() == number:
            for sides, field in ((inputs, "Inputs"), (outputs, "Outputs")):
                for entry in model.items(definition, field):
                    sides[int(entry.TensorIndex())] = (entry.Name() or b"").decode()
    if any(not 0 <= index < graph.TensorsLength() for index in (*inputs, *outputs)):
        raise ModelError("damaged: the graph names a tensor that is not there")
    return inputs, outputs


def _kind(model: Model, tensor: Any) -> str:
    """Type, shape and quantization."""
    quantization = tensor.Quantization()
    scales: list[Any] = []
    if quantization is not None and quantization.ScaleLength():
        zero_points = [] if quantization.ZeroPointLength() == 0 else quantization.ZeroPointAsNumpy().tolist()
        axis = quantization.QuantizedDimension() if quantization.ScaleLength() > 1 else 0
        scales = [quantization.ScaleAsNumpy().tolist(), zero_points, axis]
    return repr((model.dtype(tensor), model.shape(tensor), scales))


def _attributes(model: Model, op: Any) -> str:
    content = model.schema.OperatorT.InitFromObj(op)
    newer = getattr(content, "builtinOptions2", None)  # not in the schema of an older TensorFlow
    return repr([_plain(content.builtinOptions), _plain(newer), _plain(content.customOptions)])


def _plain(value: Any) -> Any:
    """Generated option objects as sorted lists of their fields."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return [type(value).__name__, *((key, _plain(item)) for key, item in sorted(vars(value).items()))]
    return value
