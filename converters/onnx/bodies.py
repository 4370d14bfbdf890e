"""The bodies of a node as models of their own: what they read of the graphs around them are inputs or constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
from onnx import AttributeProto

from converters.errors import UnsupportedError
from converters.onnx.graph import outside_names
from converters.onnx.load import is_external, load, tensors


def write(path: Path, place: int, folder: Path) -> dict[str, Path]:
    """The files of the bodies of the node at `place`, in `folder`, by the names of their attributes.

    Raises:
        UnsupportedError: a tensor from outside has no known type, or weights lie in other files.
    """
    model = load(path)
    if any(map(is_external, tensors(model.graph))):
        raise UnsupportedError(f"{path.name} has its weights in other files: its branches are not looked at")
    found = {}
    for attribute in model.graph.node[place].attribute:
        if attribute.type == AttributeProto.GRAPH:
            target = folder / f"{attribute.name}.onnx"
            onnx.save(_alone(model, attribute.g), target)
            found[attribute.name] = target
    return found


def _alone(model: onnx.ModelProto, body: onnx.GraphProto) -> onnx.ModelProto:
    around = model.graph
    types = {value.name: value for value in (*around.input, *around.value_info, *around.output)}
    held = {tensor.name: tensor for tensor in around.initializer}
    made = dict(_constant(around, held))
    graph = onnx.GraphProto()
    graph.CopyFrom(body)
    needed: dict[str, None] = {}
    for name in dict.fromkeys(outside_names(body)):
        if name in held or name in made:
            needed |= dict.fromkeys(_behind(name, made))
        elif name in types and types[name].type.tensor_type.HasField("shape"):
            graph.input.append(types[name])
        else:
            raise UnsupportedError(f"tensor {name!r}, which the branch reads, has no known shape")
    graph.initializer.extend(held[name] for name in needed if name in held)
    nodes = [node for node in around.node if any(name in needed for name in node.output)]
    for node in reversed(nodes):
        graph.node.insert(0, node)
    return onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, functions=model.functions
    )


def _constant(graph: onnx.GraphProto, held: Mapping[str, onnx.TensorProto]) -> Iterator[tuple[str, onnx.NodeProto]]:
    """The nodes of a graph that compute from its constants alone, by the names of what they give."""
    known = set(held)
    for node in graph.node:
        bodies = any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for attribute in node.attribute)
        if not bodies and (node.input or node.op_type == "Constant") and known.issuperset(filter(None, node.input)):
            known.update(node.output)
            yield from ((name, node) for name in node.output)


def _behind(name: str, made: Mapping[str, onnx.NodeProto]) -> Iterator[str]:
    """A constant and all the constants that it is computed from."""
    yield name
    for before in made[name].input if name in made else ():
        yield from _behind(before, made)
