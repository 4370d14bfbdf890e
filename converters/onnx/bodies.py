"""The bodies of a node as models of their own: what they read of the graphs around them are inputs or constants."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto
from onnx.shape_inference import InferenceError

from converters.errors import UnsupportedError
from converters.onnx.graph import numbered, outside_names
from converters.onnx.load import load_whole
from converters.tracer import Seen


def write(path: Path, place: int, folder: Path, seen: Mapping[int, Seen]) -> dict[str, Path]:
    """The files of the bodies of the node at `place`, in `folder`, by the names of their attributes.

    `seen` is as of `Tracer.bodies`: what the file does not say itself.

    Raises:
        UnsupportedError: a tensor from outside has no known type, or weights in other files are too large.
    """
    model = load_whole(path)
    number = numbered(model.graph)
    shown = {name: seen[index] for name, index in number.items() if index in seen}
    found = {}
    for attribute in model.graph.node[place].attribute:
        if attribute.type == AttributeProto.GRAPH:
            target = folder / f"{attribute.name}.onnx"
            outs = [shown.get(name) for name in model.graph.node[place].output]
            body = _typed(_alone(model, attribute.g, shown), outs)
            onnx.save(body, target)
            found[attribute.name] = target
    return found


def _typed(model: onnx.ModelProto, outs: Sequence[Seen | None]) -> onnx.ModelProto:
    """The model with types of its outputs: what a body gives need have none, what a model gives must.

    Those that nobody infers are as those of the node were seen, of any size: each body gives one number type.
    """
    with contextlib.suppress(InferenceError):
        model = onnx.shape_inference.infer_shapes(model)
    for value, seen in zip(model.graph.output, outs, strict=False):
        if not value.type.tensor_type.HasField("shape") and seen is not None:
            shape, dtype = [None] * len(seen[0]), onnx.helper.np_dtype_to_tensor_dtype(np.dtype(seen[1]))
            value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, dtype, shape))
    return model


def _alone(model: onnx.ModelProto, body: onnx.GraphProto, shown: Mapping[str, Seen]) -> onnx.ModelProto:
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
        elif name in shown:
            shape, dtype = shown[name]
            graph.input.append(
                onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            )
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
