"""A graph as it is compared: nothing dead, no detours, constants folded, activations on their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from converters.graph import Graph, Op, Quantization, Tensor

FUSED = "fusedActivationFunction"
COMMUTATIVE = frozenset(
    (
        *("ADD", "MUL", "MAXIMUM", "MINIMUM", "LOGICAL_AND", "LOGICAL_OR", "EQUAL", "NOT_EQUAL", "ADD_N"),
        *("Add", "Mul", "Max", "Min", "Sum", "And", "Or", "Xor", "Equal", "Mean", "If"),
        *("add", "mul", "maximum", "minimum", "logical_and", "logical_or", "logical_xor", "equal", "not_equal"),
        *("AddV2", "Maximum", "Minimum", "LogicalAnd", "LogicalOr", "NotEqual"),
    )
)
"""Operators whose inputs may stand in any order."""

_PASS_ON = frozenset(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"))
"""Operators that keep the values and their order in memory: neutral where the shape stays too."""
_DECOMPOSED = [f"quantized_decomposed::{kind}_per_tensor.out" for kind in ("quantize", "dequantize")]
_BRIDGES = frozenset(
    (
        *("QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear", "Cast", "CAST"),
        *("Quantize", "Dequantize", *_DECOMPOSED),
    )
)
"""Operators between number types: what remains of them when two precisions are compared."""


@dataclass(frozen=True)
class Node:
    """One operator as compared. `part` is `activation` for the fused activation of `op`, which stands on its own."""

    op: Op
    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


@dataclass
class Net:
    """The comparable form of a graph. Tensors that a split has made have indices above the file's."""

    graph: Graph
    tensors: dict[int, Tensor]
    nodes: list[Node]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    maker: dict[int, tuple[int, int]] = field(default_factory=dict)
    readers: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def index(self) -> None:
        """Notes who makes and who reads each tensor."""
        self.maker, self.readers = {}, {}
        for number, node in enumerate(self.nodes):
            for slot, index in enumerate(node.outputs):
                self.maker[index] = (number, slot)
            for slot, index in enumerate(node.inputs):
                self.readers.setdefault(index, []).append((number, slot))

    def constants(self, node: Node) -> list[Tensor]:
        """The constant inputs of a node."""
        return [self.tensors[i] for i in node.inputs if i >= 0 and self.tensors[i].constant]


def comparable(graph: Graph, bridged: bool = False) -> Net:
    """The comparable form of a graph; `bridged` also takes out what only changes the number type."""
    tensors = dict(graph.tensors)
    alias: dict[int, int] = {}
    nodes: list[Node] = []
    for op in graph.ops:
        inputs = tuple(alias.get(index, index) for index in op.inputs)
        if _fold(op, inputs, tensors):
            continue
        if _detour(op, inputs, tensors, bridged):
            alias[op.outputs[0]] = inputs[0]
            continue
        nodes.append(Node(op, op.type, inputs, op.outputs, op.attributes))
    outputs = tuple(alias.get(index, index) for index in graph.outputs)
    net = Net(graph, tensors, list(_split(nodes, tensors)), graph.inputs, outputs)
    _drop_dead(net)
    net.index()
    return net


def _detour(op: Op, inputs: tuple[int, ...], tensors: Mapping[int, Tensor], bridged: bool) -> bool:
    """Whether an operator gives out what it takes."""
    if not inputs or inputs[0] < 0 or len(op.outputs) != 1:
        return False
    before, after = tensors[inputs[0]], tensors[op.outputs[0]]
    if bridged and op.type in _BRIDGES and before.shape == after.shape:
        return True
    same_type = before.dtype == after.dtype and before.shape is not None and before.shape == after.shape
    quantized = before.quantization, after.quantization
    same_grid = quantized[0] is quantized[1] or bool(quantized[0] and quantized[0].same(quantized[1]))
    if op.type == "Identity":
        return True
    if op.type in ("QUANTIZE", "CAST", "Cast"):
        return same_type and same_grid and (op.type != "QUANTIZE" or before.quantization is not None)
    return op.type in _PASS_ON and same_type and same_grid and -1 not in (before.shape or (-1,))


def _split(nodes: list[Node], tensors: dict[int, Tensor]) -> Iterator[Node]:
    """Fused activations as nodes of their own, behind a tensor without quantization."""
    fresh = max(tensors, default=0) + 1
    for node in nodes:
        activation = node.attributes.get(FUSED, "NONE")
        plain = {name: value for name, value in node.attributes.items() if name != FUSED}
        if activation == "NONE" or len(node.outputs) != 1:
            yield replace(node, attributes=plain)
            continue
        made = tensors[node.outputs[0]]
        tensors[fresh] = replace(made, index=fresh, quantization=None)
        yield replace(node, attributes=plain, outputs=(fresh,))
        yield Node(node.op, activation, (fresh,), node.outputs, {}, "activation")
        fresh += 1


def _drop_dead(net: Net) -> None:
    """Takes out what no output needs; what gives nothing out (an assignment) stays."""
    needed = set(net.outputs)
    kept = []
    for node in reversed(net.nodes):
        if not node.outputs or needed & set(node.outputs):
            needed |= set(node.inputs)
            kept.append(node)
    net.nodes = kept[::-1]


def _fold(op: Op, inputs: tuple[int, ...], tensors: dict[int, Tensor]) -> bool:
    """Makes the output a constant where the inputs are and the operator is simple; whether it did."""
    known = [tensors[i] for i in inputs if i >= 0]
    fold = _FOLDERS.get(op.type)
    if fold is None or not known or len(op.outputs) != 1 or not all(tensor.constant for tensor in known):
        return False
    target = tensors[op.outputs[0]]
    if target.quantization is not None or op.attributes.get(FUSED, "NONE") != "NONE":
        return False
    try:
        made = fold(known, target, op.attributes)
    except (ValueError, TypeError, IndexError):
        return False
    if isinstance(made, np.ndarray):
        made = replace(target, data=made, shape=made.shape)
    tensors[target.index] = made
    return True


_Folder = Callable[[list[Tensor], Tensor, Mapping[str, Any]], np.ndarray | Tensor]


def _shaped(known: list[Tensor], target: Tensor, attributes: Mapping[str, Any]) -> np.ndarray | Tensor:
    (held, grid), shape = (known[0], known[0].quantization), target.shape or ()
    assert held.data is not None
    if grid is None:
        return held.data.reshape(shape)
    if (len(grid.scales) > 1 or grid.rows > 1) and held.data.shape != shape:  # its channels lie along no axis any more
        return held.real().reshape(shape).astype(target.dtype)
    return replace(target, data=held.data.reshape(shape), dtype=held.dtype, shape=shape, quantization=grid)


def _real(known: list[Tensor], target: Tensor, attributes: Mapping[str, Any]) -> np.ndarray:
    return known[0].real().astype(target.dtype)


def _as_stored(known: list[Tensor], target: Tensor, attributes: Mapping[str, Any]) -> Tensor:
    """Of DEQUANTIZE and DequantizeLinear the stored values, with what they stand for."""
    stored, found = known[0], known[0].quantization
    if len(known) > 1 and known[1].data is not None and stored.data is not None:
        scales = known[1].data.reshape(-1).astype(np.float64)
        zeros = known[2].data if len(known) > 2 and known[2].data is not None else np.zeros(1)
        axis = int(attributes.get("axis", 1)) % max(stored.data.ndim, 1)
        found = Quantization(scales, np.resize(zeros.astype(np.int64), len(scales)), axis)
    return replace(target, data=stored.data, dtype=stored.dtype, shape=stored.shape, quantization=found)


def _arithmetic(function: Callable[..., np.ndarray]) -> _Folder:
    def fold(known: list[Tensor], target: Tensor, attributes: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(function(*[tensor.data for tensor in known])).astype(target.dtype)

    return fold


def _transposed(known: list[Tensor], target: Tensor, attributes: Mapping[str, Any]) -> np.ndarray | Tensor:
    held = known[0]
    assert held.data is not None
    order = known[1].data.tolist() if len(known) > 1 and known[1].data is not None else attributes.get("perm")
    turned, grid = np.ascontiguousarray(held.data.transpose(order)), held.quantization
    if grid is None:
        return turned
    if grid.rows > 1:
        return np.ascontiguousarray(held.real().transpose(order)).astype(target.dtype)
    axis = list(order or range(turned.ndim)[::-1]).index(grid.axis % turned.ndim)
    grid = Quantization(grid.scales, grid.zero_points, axis)
    return replace(target, data=turned, dtype=held.dtype, shape=turned.shape, quantization=grid)


_FOLDERS: dict[str, _Folder] = {
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _shaped),
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"), _shaped),
    **dict.fromkeys(("TRANSPOSE", "Transpose"), _transposed),
    **dict.fromkeys(("CAST", "Cast"), _real),
    **dict.fromkeys(("DEQUANTIZE", "DequantizeLinear"), _as_stored),
    **dict.fromkeys(("ADD", "Add"), _arithmetic(np.add)),
    **dict.fromkeys(("SUB", "Sub"), _arithmetic(np.subtract)),
    **dict.fromkeys(("MUL", "Mul"), _arithmetic(np.multiply)),
    **dict.fromkeys(("DIV", "Div"), _arithmetic(np.divide)),
    **dict.fromkeys(("SQRT", "Sqrt"), _arithmetic(np.sqrt)),
    **dict.fromkeys(("NEG", "Neg"), _arithmetic(np.negative)),
    **dict.fromkeys(("EXP", "Exp"), _arithmetic(np.exp)),
    "RSQRT": _arithmetic(lambda values: 1 / np.sqrt(values)),
}
