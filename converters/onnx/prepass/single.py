"""What a model computes in float64, told in float32: of TensorFlow Lite's kernels only casts know float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from converters.contract import Arrays
from converters.onnx.prepass.verify import differs, values

_TYPES = frozenset(("dtype", "to", "output_datatype"))
"""Attributes that hold an element type."""


def in_single(model: onnx.ModelProto, samples: Sequence[Arrays]) -> tuple[onnx.ModelProto, int]:
    """The model with float32 in the place of float64, and in how many places; itself and 0 where that cannot be.

    It cannot where a constant is too great or too small for float32, and where ONNX Runtime gives other outputs on
    `samples`. Inputs and outputs keep their type, and are cast.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    places = 0
    for place, graph in enumerate(_graphs(made.graph)):
        if place:
            for value in (*graph.input, *graph.output):
                if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
                    value.type.tensor_type.elem_type = TensorProto.FLOAT
        changed = _narrowed(graph)
        if changed is None:
            return model, 0
        places += changed
    places += _cast_ends(made.graph)
    return (made, places) if places and _same(model, made, samples) else (model, 0)


def _cast_ends(graph: onnx.GraphProto) -> int:
    """Puts a cast between each end of float64 and the rest, in place; how many."""
    sides = [
        [value.name for value in side if value.type.tensor_type.elem_type == TensorProto.DOUBLE]
        for side in (graph.input, graph.output)
    ]
    inner = {name: f"single/{name}" for side in sides for name in side}
    for each in _graphs(graph):
        for node in each.node:
            for names in (node.input, node.output):
                names[:] = [inner.get(name, name) for name in names]
    first = [
        helper.make_node("Cast", [name], [inner[name]], f"{inner[name]}/c", to=TensorProto.FLOAT) for name in sides[0]
    ]
    last = [
        helper.make_node("Cast", [inner[name]], [name], f"{inner[name]}/c", to=TensorProto.DOUBLE) for name in sides[1]
    ]
    nodes = [*first, *(onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node), *last]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(inner)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for item in node.attribute:
            for inner in (item.g, *item.graphs) if item.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) else ():
                yield from _graphs(inner)


def _narrowed(graph: onnx.GraphProto) -> int | None:
    """How many constants and attributes changed, in place; None where float32 does not hold one."""
    tensors = list(graph.initializer)
    places = 0
    for node in graph.node:
        for item in node.attribute:
            if item.type == AttributeProto.TENSOR:
                tensors.append(item.t)
            elif item.type == AttributeProto.INT and item.name in _TYPES and item.i == TensorProto.DOUBLE:
                item.i = TensorProto.FLOAT
                places += 1
    for tensor in tensors:
        if tensor.data_type != TensorProto.DOUBLE:
            continue
        wide = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            narrow = wide.astype(np.float32)
        if not np.array_equal(np.isfinite(wide), np.isfinite(narrow)) or ((wide != 0) & (narrow == 0)).any():
            return None
        tensor.CopyFrom(numpy_helper.from_array(narrow, tensor.name))
        places += 1
    del graph.value_info[:]
    return places


def _same(model: onnx.ModelProto, made: onnx.ModelProto, samples: Sequence[Arrays]) -> bool:
    names = [value.name for value in model.graph.output]
    try:
        before, after = values(model, names, samples), values(made, names, samples)
    except Exception:  # of ONNX Runtime, whatever it lacks: nothing is proved
        return False
    return not any(
        differs(a, b) for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True)
    )
