"""A TorchScript graph as a `converters.graph.Graph`: operators by their schemas, lists and tuples taken apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from converters.contract import Format
from converters.digest import digest
from converters.graph import Graph, Op, Tensor
from converters.torchscript.values import BODIES, STRUCTURE, UNPACKS, Known

_TYPES = {0: "uint8", 1: "int8", 2: "int16", 3: "int32", 4: "int64", 5: "float16", 6: "float32", 7: "float64"}
_TYPES |= {11: "bool", 15: "bfloat16"}
"""What a number in the place of a type stands for (c10/core/ScalarType.h)."""
_SILENT = frozenset(
    (
        *("device", "layout", "pin_memory", "memory_format", "generator", "non_blocking", "benchmark"),
        *("deterministic", "cudnn_enabled", "cudnn_enable", "allow_tf32", "copy"),
    )
)
"""Arguments that say where values lie or who computes them, not what they are."""


class Reader:
    """Numbers the values of a graph that are tensors, or numbers that depend on the inputs.

    `constant` are values known beforehand, `shown` those of one call, where there was one.
    """

    def __init__(self, graph: Any, constant: Known, shown: Known | None) -> None:
        self._constant = constant
        self._shown = shown or {}
        self.index: dict[int, int] = {}
        self._values: dict[int, Tensor] = {}
        inputs = [self._number(value) for value in list(graph.inputs())[1:]]
        self.nodes: dict[int, Any] = {}
        ops = []
        for place, node in enumerate(graph.nodes()):
            if any(value.unique() not in constant for value in node.outputs()):
                self.nodes[place] = node
                if node.kind() not in (*STRUCTURE, *UNPACKS):
                    ops.append(self._op(place, node))
        ends = [index for value in graph.outputs() for index in self._leaves(value)]
        self._graph = tuple(ops), tuple(inputs), tuple(ends)

    def graph(self, input_names: Sequence[str], output_names: Sequence[str]) -> Graph:
        """The graph under these names, or with its own where there are not as many."""
        ops, inputs, outputs = self._graph
        own = [self._values[index].name for index in inputs]
        made = ["output"] if len(outputs) == 1 else [f"output_{place}" for place in range(len(outputs))]
        return Graph(
            format=Format.TORCHSCRIPT,
            tensors=self._values,
            ops=ops,
            inputs=inputs,
            outputs=outputs,
            input_names=tuple(input_names if len(input_names) == len(inputs) else own),
            output_names=tuple(output_names if len(output_names) == len(outputs) else made),
        )

    def _op(self, place: int, node: Any) -> Op:
        outputs = tuple(index for value in node.outputs() for index in self._made(value))
        if node.kind() in BODIES:
            free = [value for value in reads(node) if value.unique() not in self._constant]
            inputs = [index for value in free for index in self._leaves(value)]
            bodies = {f"body_{number}": self._hash(block) for number, block in enumerate(node.blocks())}
            return Op(place, _kind(node), tuple(dict.fromkeys(inputs)), outputs, bodies)
        inputs = []
        attributes: dict[str, Any] = {}
        schema = node.schema()
        names = [argument.name for argument in torch._C.parse_schema(schema).arguments] if "(" in schema else []
        for slot, value in enumerate(node.inputs()):
            known = self._constant.get(value.unique(), _Unknown)
            name = names[slot] if slot < len(names) else f"argument_{slot}"
            if "Tensor" in value.type().annotation_str or isinstance(known, torch.Tensor):
                inputs += self._leaves(value)
            elif known is None and _takes_tensor(schema, slot):
                inputs.append(-1)
            elif name in _SILENT:
                continue
            elif known is _Unknown:
                inputs += [index for index in self._leaves(value) if not self._values[index].constant]
            else:
                attributes[name] = _plain(known, name)
        while inputs and inputs[-1] == -1:
            inputs.pop()
        return Op(place, _kind(node), tuple(inputs), outputs, attributes)

    def _made(self, value: Any) -> Iterator[int]:
        """The numbers of what an operator gives out: of a list or tuple, of what is taken out of it."""
        unpacked = [use.user for use in value.uses() if use.user.kind() in UNPACKS]
        if value.type().kind() == "TensorType" or not unpacked:
            yield self._number(value)
            return
        for part in unpacked[0].outputs():
            yield from self._made(part)
        for other in unpacked[1:]:
            for first, again in zip(unpacked[0].outputs(), other.outputs(), strict=True):
                if first.unique() in self.index:
                    self.index[again.unique()] = self.index[first.unique()]

    def _leaves(self, value: Any) -> list[int]:
        """The numbers of the tensors that a value consists of; -1 for nothing."""
        if value.unique() in self.index:
            return [self.index[value.unique()]]
        if value.unique() in self._constant:
            known = self._constant[value.unique()]
            if known is None:
                return [-1]
            if isinstance(known, list | tuple | dict):
                parts = known.values() if isinstance(known, dict) else known
                return [self._add(f"{value.debugName()}.{place}", part) for place, part in enumerate(parts)]
            return [self._number(value)]
        node = value.node()
        if node.kind() in STRUCTURE:
            parts = list(node.inputs())[1::2] if node.kind() == "prim::DictConstruct" else node.inputs()
            return [index for part in parts for index in self._leaves(part)]
        return [self._number(value)]

    def _number(self, value: Any) -> int:
        known = self._constant.get(value.unique(), _Unknown)
        name = value.debugName()
        if known is not _Unknown:
            self.index[value.unique()] = self._add(name, known)
        else:
            index = self.index[value.unique()] = len(self._values)
            self._values[index] = self._told(index, name, value)
        return self.index[value.unique()]

    def _told(self, index: int, name: str, value: Any) -> Tensor:
        """What is known of a value that is computed: from one call, else from the file."""
        shown = self._shown.get(value.unique(), _Unknown)
        if isinstance(shown, torch.Tensor | bool | int | float):
            data = array(shown)
            return Tensor(index, name, data.shape, str(data.dtype))
        own = value.type()
        if shown is not _Unknown or own.kind() != "TensorType":
            return Tensor(index, name, None, "")
        shape = own.sizes()
        return Tensor(index, name, tuple(shape) if shape and None not in shape else None, "")

    def _add(self, name: str, value: Any) -> int:
        index = len(self._values)
        data = array(value) if isinstance(value, torch.Tensor | bool | int | float) else None
        self._values[index] = Tensor(
            index, name, None if data is None else data.shape, str(getattr(data, "dtype", "")), data
        )
        return index

    def _hash(self, block: Any) -> str:
        """Of what a body computes, whatever the names of its values."""
        local = {value.unique(): place for place, value in enumerate(block.inputs())}
        rows = []
        for node in block.nodes():
            said = repr(node.output().toIValue()) if node.kind() == "prim::Constant" and node.attributeNames() else ""
            read = [self._said(value, local) for value in node.inputs()]
            rows.append((node.kind(), said, read, [self._hash(inner) for inner in node.blocks()]))
            local |= {value.unique(): len(local) + place for place, value in enumerate(node.outputs())}
        return digest(rows, [self._said(value, local) for value in block.outputs()]).hex()

    def _said(self, value: Any, local: Mapping[int, int]) -> Any:
        """A value in a body: its number there, a constant as it is, or that it comes from the graph around."""
        if value.unique() in local:
            return local[value.unique()]
        known = self._constant.get(value.unique(), _Unknown)
        if isinstance(known, torch.Tensor):
            return digest(str(known.dtype), tuple(known.shape), array(known).tobytes()).hex()
        return "outside" if known is _Unknown else repr(known)


class _Unknown:
    """In the place of a value that depends on the inputs."""


def array(value: Any) -> np.ndarray:
    """A tensor, or a plain number, as numpy holds it: C-contiguous; a quantized one as its integers."""
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    plain = value.detach().cpu()
    if plain.is_quantized:
        plain = plain.int_repr()
    if plain.dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        plain = plain.float()
    return np.array(plain.resolve_conj().resolve_neg().numpy(), order="C")


def _kind(node: Any) -> str:
    """`aten.conv2d` of `aten::conv2d`."""
    return str(node.kind()).replace("::", ".")


def _takes_tensor(schema: str, slot: int) -> bool:
    arguments = torch._C.parse_schema(schema).arguments if "(" in schema else []
    return slot < len(arguments) and "Tensor" in str(arguments[slot].type)


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_plain(part, name) for part in value)
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int) and name == "dtype":
        return _TYPES.get(value, f"type {value}")
    return value if isinstance(value, int) else str(value).removeprefix("torch.")


def reads(node: Any) -> Iterator[Any]:
    """What a node reads, its bodies included: of what they read, that of the graph around them."""
    yield from node.inputs()
    for block in node.blocks():
        own = {value.unique() for value in block.inputs()}
        for inner in block.nodes():
            yield from (value for value in reads(inner) if value.unique() not in own)
            own |= {value.unique() for value in inner.outputs()}
        yield from (value for value in block.outputs() if value.unique() not in own)
