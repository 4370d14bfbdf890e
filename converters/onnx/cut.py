"""Nodes of an ONNX file as a model of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from converters.errors import UnsupportedError
from converters.onnx.graph import outside_names


@dataclass(frozen=True)
class Whole:
    """A model that many pieces are cut from, its constants by name: initializers, and nodes that give some out."""

    model: onnx.ModelProto
    nodes: Sequence[onnx.NodeProto]
    held: Mapping[str, onnx.TensorProto]
    makers: Mapping[str, onnx.NodeProto]

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Whole:
        """A model as it stands: it may not change while pieces are cut."""
        nodes = list(model.graph.node)
        held = {tensor.name: tensor for tensor in model.graph.initializer}
        makers: dict[str, onnx.NodeProto] = {}
        for node in nodes:  # `read_graph` has what these give out as constants too
            passed = node.op_type in ("Identity", "Cast") and (node.input[0] in held or node.input[0] in makers)
            if passed or node.op_type == "Constant":
                makers[node.output[0]] = node
        return cls(model, nodes, held, makers)

    def holds(self, name: str) -> bool:
        """Whether a name is that of a constant."""
        return name in self.held or name in self.makers


def segment(
    whole: Whole, places: Sequence[int], given: Mapping[str, np.dtype], wanted: Sequence[str]
) -> onnx.ModelProto:
    """A model of the nodes at `places`, with the values `given` as inputs of their types and `wanted` as outputs.

    Its constants are kept, those that bodies read too. A name of `given` that is constant in the file becomes an input
    all the same.

    Raises:
        UnsupportedError: the body of a node reads what is neither given, nor made here, nor constant.
    """
    model = whole.model
    nodes = [_without(whole.nodes[place], given) for place in places]
    there = {*given, *(name for node in nodes for name in node.output)}
    for place, node in zip(places, nodes, strict=True):
        if lost := sorted(name for name in set(_outside(node)) - there if not whole.holds(name)):
            raise UnsupportedError(f"node {place}, {node.op_type}, has a body that reads {', '.join(lost)}")
    read = {name for node in nodes for name in (*node.input, *_outside(node))} - set(given)
    makers = _makers(whole, read - there)
    read |= {name for node in makers for name in node.input}
    constants = [whole.held[name] for name in sorted(read) if name in whole.held]
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
        for name, dtype in given.items()
    ]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in wanted]
    graph = onnx.helper.make_graph([*makers, *nodes], "cut", inputs, outputs, constants)
    return onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, functions=model.functions
    )


def _makers(whole: Whole, names: Iterable[str]) -> list[onnx.NodeProto]:
    """The nodes that make constants of these names, each behind those that it reads."""
    found: dict[str, onnx.NodeProto] = {}
    for name in sorted(names):
        chain = []
        while name in whole.makers and name not in found:
            chain.append(name)
            name = next(iter(whole.makers[name].input), "")
        found |= {made: whole.makers[made] for made in reversed(chain)}
    return list(found.values())


def _without(node: onnx.NodeProto, given: Mapping[str, np.dtype]) -> onnx.NodeProto:
    """The node; its outputs of names that are given, under other names: it is here for what else it makes."""
    if given.keys().isdisjoint(node.output):
        return node
    found = onnx.NodeProto()
    found.CopyFrom(node)
    for place, name in enumerate(node.output):
        found.output[place] = f"{name} computed" if name in given else name
    return found


def _outside(node: onnx.NodeProto) -> Iterator[str]:
    """What the bodies of a node read of the graphs around it."""
    for attribute in node.attribute:
        for body in (attribute.g,) if attribute.HasField("g") else attribute.graphs:
            yield from outside_names(body)
