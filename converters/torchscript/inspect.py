"""What a TorchScript archive says of itself, read from its graph without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from converters.contract import Format, Signature
from converters.digest import digest
from converters.errors import ModelError
from converters.grid import grid_bits
from converters.inspection import Inspection, OpInfo, TensorInfo
from converters.model_files.script import keeps_state
from converters.torchscript.archive import load

_VALUES = frozenset({"i", "f", "s", "is", "fs", "ss", "c"})
"""Kinds of node attributes that a method of `torch.Node` of that name reads; others belong to constants."""
_STRUCTURE = frozenset({"prim::Constant", "prim::GetAttr", "prim::ListConstruct", "prim::TupleConstruct"})


def inspect(path: Path, format: Format = Format.TORCHSCRIPT) -> Inspection:
    """Tensors, operators, signature and canonical hash of the archive at `path`.

    Types of tensors made at run time are what the archive tells, mostly nothing (empty). An archive of others holds
    neither shapes nor names of outputs: its signature is empty and the metadata entry `inputs` names what it takes.

    Raises:
        ModelError: another format, or damaged.
    """
    module, signature = load(Path(path), format)
    graph = module.inlined_graph
    reader = _Reader(module)
    arguments = module.forward.schema.arguments[1:]
    inputs = [argument.name for argument in arguments]
    needed = [argument.name for argument in arguments if not argument.has_default_value()]
    if signature and not len(needed) <= len(signature.inputs) <= len(inputs):
        raise ModelError(f"{path} takes {inputs}, the signature in it names {[s.name for s in signature.inputs]}")
    reader.bind(graph, [digest("input", i) for i in range(len(inputs))])
    reader.block(graph)
    outputs = [reader.hashes[value.unique()] for value in graph.outputs()]
    return Inspection(
        format=format,
        signature=signature or Signature((), ()),
        tensors=tuple(reader.tensors),
        ops=tuple(reader.ops),
        graph_hash=digest("outputs", *outputs, "effects", *reader.effects).hex(),
        metadata={"inputs": ", ".join(needed)},
        stateful=bool(keeps_state(module)),
    )


class _Reader:
    """Walks a graph in order; a value's hash is of the operator that makes it and of the hashes that go into it."""

    def __init__(self, module: Any) -> None:
        self.tensors: list[TensorInfo] = []
        self.ops: list[OpInfo] = []
        self.hashes: dict[int, bytes] = {}
        self.effects: list[bytes] = []  # of operators without outputs: assignments to attributes, assertions
        self._places: dict[int, int] = {}
        self._objects: dict[int, Any] = {}
        self._module = module

    def bind(self, graph: Any, hashes: list[bytes]) -> None:
        """Gives the graph's inputs their hashes; the first is the module itself."""
        own, *inputs = graph.inputs()
        self._objects[own.unique()] = self._module
        self.hashes[own.unique()] = b"self"
        for value, known in zip(inputs, hashes, strict=True):
            self.hashes[value.unique()] = known
            self._add(value)

    def block(self, block: Any) -> None:
        """Every node of a graph or of the body of an `if` or a loop."""
        for node in block.nodes():
            self._node(node)

    def _node(self, node: Any) -> None:
        kind, inputs, outputs = node.kind(), list(node.inputs()), list(node.outputs())
        if kind == "prim::GetAttr":
            self._attribute(node, inputs[0], outputs[0])
            return
        if kind == "prim::Constant" and outputs[0].type().kind() == "TensorType" and node.hasAttribute("value"):
            self._constant(outputs[0], node.t("value"))
            return
        own = digest(kind, *self._attributes(node), len(inputs), *(self.hashes[value.unique()] for value in inputs))
        for i, body in enumerate(node.blocks()):
            for j, value in enumerate(body.inputs()):
                self.hashes[value.unique()] = digest(own, "body", i, j)
                self._add(value)
            self.block(body)
        bodies = [self.hashes[value.unique()] for body in node.blocks() for value in body.outputs()]
        if not outputs:
            self.effects.append(digest(own, *bodies))
        for i, value in enumerate(outputs):
            self.hashes[value.unique()] = digest(own, *bodies, i)
            if value.type().kind() == "TensorType":
                self._add(value)
        if kind not in _STRUCTURE:
            read, made = ([self._places.get(value.unique(), -1) for value in side] for side in (inputs, outputs))
            self.ops.append(OpInfo(kind, tuple(read), tuple(made)))

    def _attribute(self, node: Any, owner: Any, output: Any) -> None:
        value = getattr(self._objects[owner.unique()], node.s("name"))
        self._objects[output.unique()] = value
        if isinstance(value, torch.Tensor):
            self._constant(output, value)
        else:
            self.hashes[output.unique()] = digest("attribute", b"" if callable(value) else value)

    def _attributes(self, node: Any) -> list[bytes]:
        """Of each attribute by name; constants that are no tensors are attributes of their node."""
        found = []
        for name in sorted(node.attributeNames()):
            kind = node.kindOf(name)
            value = getattr(node, kind)(name) if kind in _VALUES else node.output().toIValue()
            found.append(digest(name, *(map(_stored, value) if _is_tensors(value) else (value,))))
        return found

    def _constant(self, output: Any, tensor: torch.Tensor) -> None:
        plain = tensor.detach().dequantize() if tensor.is_quantized else tensor.detach()
        dtype = str(tensor.dtype).removeprefix("torch.")
        self.hashes[output.unique()] = digest("tensor", dtype, tuple(tensor.shape), _stored(plain))
        finite = bool(torch.isfinite(plain).all()) if plain.is_floating_point() else True
        info = TensorInfo(
            name=output.debugName(),
            shape=tuple(tensor.shape),
            dtype=dtype,
            constant=True,
            size_bytes=tensor.numel() * tensor.element_size(),
            scales=_scales(tensor),
            finite=finite,
            grid_bits=grid_bits(plain.numpy()) if dtype == "float32" else 32,
        )
        self._place(output, info)

    def _add(self, value: Any) -> None:
        """A tensor made at run time, with what its type tells."""
        type = value.type()
        known = type.kind() == "TensorType"
        sizes = (type.sizes() if known else None) or ()
        dtype = type.dtype() if known else None
        shape = tuple(-1 if size is None else size for size in sizes)
        self._place(
            value, TensorInfo(value.debugName(), shape, str(dtype or "").removeprefix("torch."), constant=False)
        )

    def _place(self, value: Any, info: TensorInfo) -> None:
        self._places[value.unique()] = len(self.tensors)
        self.tensors.append(info)


def _is_tensors(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, torch.Tensor) for item in value)


def _stored(tensor: torch.Tensor) -> bytes:
    """The bytes of a plain tensor's values in row-major order."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def _scales(tensor: torch.Tensor) -> int:
    if not tensor.is_quantized:
        return 0
    return (
        1
        if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric)
        else tensor.q_per_channel_scales().numel()
    )
