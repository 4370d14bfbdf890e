"""What an ONNX graph computes, as one hash: a Merkle tree from the outputs up to inputs and weights.

Names, the order of initializers and of independent nodes, documentation and metadata do not enter; operators,
opsets, attributes, topology, weights and the order of inputs and outputs do. Nodes that no output needs do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
from onnx import AttributeProto

from converters.digest import digest
from converters.errors import ModelError
from converters.onnx.load import array, dtype_name

Hashes = dict[str, bytes]


def graph_hash(model: onnx.ModelProto, folder: Path) -> str:
    """The canonical hash of a model whose external weights, if any, lie in `folder`; 64 hex digits."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    return _Hasher(opsets, folder).graph(model.graph, {}).hex()


class _Hasher:
    def __init__(self, opsets: Mapping[str, int], folder: Path) -> None:
        self.opsets = opsets
        self.folder = folder

    def graph(self, graph: onnx.GraphProto, outer: Hashes) -> bytes:
        """Of a graph whose body may use tensors of the graphs around it."""
        known: Hashes = {**outer, "": digest("left out")}
        for tensor in graph.initializer:
            known[tensor.name] = self.tensor(tensor)
        for sparse in graph.sparse_initializer:
            known[sparse.values.name] = self.sparse(sparse)
        weights = {tensor.name for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in weights]
        for i, value in enumerate(inputs):
            known[value.name] = digest("input", len(outer), i, *_type(value))
        for node in graph.node:
            self.node(node, known)
        outputs = _look_up([value.name for value in graph.output], known)
        return digest("graph", len(inputs), *(known[value.name] for value in inputs), "outputs", *outputs)

    def node(self, node: onnx.NodeProto, known: Hashes) -> None:
        """Adds the hashes of a node's outputs."""
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:  # the same weight as an initializer
            known[node.output[0]] = self.tensor(attributes["value"].t)
            return
        domain = "" if node.domain == "ai.onnx" else node.domain
        own = digest(
            *("node", domain, node.op_type, self.opsets.get(node.domain, 0), len(node.input)),
            *_look_up(node.input, known),
            *(part for name in sorted(attributes) for part in (name, self.attribute(attributes[name], known))),
        )
        for i, name in enumerate(node.output):
            if name:
                known[name] = digest(own, i)

    def attribute(self, attribute: AttributeProto, known: Hashes) -> bytes:
        match attribute.type:
            case AttributeProto.TENSOR:
                return self.tensor(attribute.t)
            case AttributeProto.SPARSE_TENSOR:
                return self.sparse(attribute.sparse_tensor)
            case AttributeProto.GRAPH:
                return self.graph(attribute.g, known)
            case AttributeProto.TENSORS:
                return digest(*map(self.tensor, attribute.tensors))
            case AttributeProto.GRAPHS:
                return digest(*(self.graph(inner, known) for inner in attribute.graphs))
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, bytes | int | float):
            return digest(attribute.type, value)
        return digest(attribute.type, *(item if isinstance(item, int | float | bytes) else str(item) for item in value))

    def tensor(self, tensor: onnx.TensorProto) -> bytes:
        values = array(tensor, self.folder)
        stored = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
        return digest("tensor", dtype_name(tensor.data_type), tuple(tensor.dims), stored)

    def sparse(self, sparse: onnx.SparseTensorProto) -> bytes:
        return digest("sparse", tuple(sparse.dims), self.tensor(sparse.values), self.tensor(sparse.indices))


def _look_up(names: Iterable[str], known: Hashes) -> list[bytes]:
    try:
        return [known[name] for name in names]
    except KeyError as e:
        raise ModelError(f"tensor {e} is used before anything makes it") from None


def _type(value: onnx.ValueInfoProto) -> tuple[object, ...]:
    """Type and shape of an input without its names; -1 for a dynamic axis."""
    tensor = value.type.tensor_type
    sizes = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim)
    return tensor.elem_type, sizes
