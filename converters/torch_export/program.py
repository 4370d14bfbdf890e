"""An exported program as a `converters.graph.Graph`, and its operators run one by one."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.export.graph_signature import InputKind, OutputKind

from converters.contract import Format
from converters.errors import UnsupportedError
from converters.graph import Graph, Op, Tensor
from converters.torch_export.calls import kind, told

_LARGEST_FOLD = 1 << 24
"""Elements of a constant that is computed once and kept, as a weight that is turned."""
_RANDOM = torch.Tag.nondeterministic_seeded
_ANY_STRIDES: dict[Any, Any] = {torch.ops.aten.view.default: torch.ops.aten.reshape.default}
"""A view was exported for the strides that it met then: those of attention are others by another kernel."""


@dataclass(frozen=True)
class _Step:
    """One node; `slots` are (place among its results or None for the only one, tensor index)."""

    node: fx.Node
    slots: tuple[tuple[int | None, int], ...]


class Program:
    """Functional ATen operators in the order of the program, each tensor under a number.

    What is computed from constants alone is a constant of the graph. A number in the place of a tensor is one too.
    """

    def __init__(
        self, exported: Any, format: Format, input_names: Sequence[str], output_names: Sequence[str] | None = None
    ) -> None:
        self._module = exported.graph_module
        self._index: dict[tuple[fx.Node, int | None], int] = {}
        self._tensors: dict[int, Tensor] = {}
        self._types: dict[int, torch.dtype] = {}
        self._steps: dict[int, _Step] = {}
        self._constants: dict[int, Any] = {}
        ops: list[Op] = []
        inputs = self._placeholders(exported)
        with torch.no_grad():
            for place, node in enumerate(n for n in exported.graph.nodes if n.op == "call_function"):
                ops += self._operator(place, node)
        outputs = tuple(self._outputs(exported))
        self.graph = Graph(
            format=format,
            tensors=self._tensors,
            ops=tuple(ops),
            inputs=inputs,
            outputs=outputs,
            input_names=tuple(input_names),
            output_names=tuple(output_names or (self._tensors[index].name for index in outputs)),
        )

    def compute(self, ops: Iterable[Op], given: Mapping[int, torch.Tensor], wanted: Sequence[int]) -> dict[int, Any]:
        """The values of `wanted` after `ops`, which read `given`, constants and each other. Gradients are off."""
        known: dict[int, Any] = {**self._constants, **given}
        with torch.no_grad():
            for op in ops:
                step = self._steps[op.index]
                known |= {index: value for index, value in self._call(step, known).items() if index not in given}
        return {index: known[index] for index in wanted if index in known}

    def tensor(self, index: int, values: np.ndarray) -> torch.Tensor:
        """Values as the tensor of that number holds them."""
        made = torch.from_numpy(np.array(values, order="C"))
        return made.to(self._types[index]) if index in self._types else made

    def _placeholders(self, exported: Any) -> tuple[int, ...]:
        nodes = {node.name: node for node in exported.graph.nodes if node.op == "placeholder"}
        inputs = []
        for spec in exported.graph_signature.input_specs:
            node = nodes[spec.arg.name]
            if spec.kind is InputKind.USER_INPUT:
                inputs.append(self._number(node, None))
                continue
            if not node.users:
                continue
            stored = exported.constants if spec.target in exported.constants else exported.state_dict
            value = stored[spec.target]
            if not isinstance(value, torch.Tensor):
                raise UnsupportedError(
                    f"the model holds {spec.target!r}, a {type(value).__name__}: no graph of tensors"
                )
            self._constant(self._number(node, None, spec.target), value)
        return tuple(inputs)

    def _operator(self, place: int, node: fx.Node) -> Iterator[Op]:
        """The operator of a node; none for one that only takes apart, or whose result is constant."""
        if node.target is operator.getitem and isinstance(node.args[0], fx.Node):
            return
        slots = tuple((slot, self._number(node, slot)) for slot in _slots(node))
        if not slots:
            return
        step = self._steps[place] = _Step(node, slots)
        tensors, attributes = told(node)
        inputs = tuple(self._operand(node, slot, value) for slot, value in enumerate(tensors))
        random = isinstance(node.target, torch._ops.OpOverload) and _RANDOM in node.target.tags
        if not random and all(index < 0 or index in self._constants for index in map(self._known, tensors)):
            found = self._call(step, self._constants)
            if sum(value.numel() for value in found.values() if isinstance(value, torch.Tensor)) <= _LARGEST_FOLD:
                for index, value in found.items():
                    self._constant(index, value)
                return
        yield Op(place, kind(node.target), inputs, tuple(index for _, index in slots), attributes)

    def _known(self, value: Any) -> int:
        """The number of what stands in the place of a tensor; -1 for a plain number or nothing."""
        return self._index[_made_by(value)] if isinstance(value, fx.Node) else -1

    def _operand(self, node: fx.Node, slot: int, value: Any) -> int:
        if isinstance(value, fx.Node):
            return self._known(value)
        if value is None:
            return -1
        index, made = len(self._tensors), node.meta.get("val")
        data = np.asarray(value)
        if isinstance(value, float) or (isinstance(made, torch.Tensor) and made.is_floating_point()):
            data = data.astype(np.float32)
        self._tensors[index] = Tensor(index, f"{node.name}.{slot}", data.shape, str(data.dtype), data)
        return index

    def _call(self, step: _Step, known: Mapping[int, Any]) -> dict[int, Any]:
        """What a node gives out, by number."""

        def read(node: fx.Node) -> Any:
            return (
                getattr(self._module, str(node.target)) if node.op == "get_attr" else known[self._index[_made_by(node)]]
            )

        args, kwargs = fx.map_arg((step.node.args, step.node.kwargs), read)
        target = _ANY_STRIDES.get(step.node.target, step.node.target)
        result = target(*args, **kwargs)  # type: ignore[operator]
        return {index: result if slot is None else result[slot] for slot, index in step.slots}

    def _number(self, node: fx.Node, slot: int | None, name: str = "") -> int:
        index = self._index[node, slot] = len(self._tensors)
        value = node.meta.get("val")
        value = value if slot is None or value is None else value[slot]
        shape, dtype = None, "float64" if isinstance(value, float | torch.SymFloat) else "int64"
        if isinstance(value, torch.Tensor):
            self._types[index] = value.dtype
            shape = tuple(size if isinstance(size, int) else -1 for size in value.shape)
            dtype = str(array(torch.empty(0, dtype=value.dtype)).dtype)
        name = name or (node.name if slot is None else f"{node.name}.{slot}")
        self._tensors[index] = Tensor(index, name, shape if value is None or shape is not None else (), dtype)
        return index

    def _constant(self, index: int, value: Any) -> None:
        self._constants[index] = value.detach() if isinstance(value, torch.Tensor) else value
        data = array(value)
        self._tensors[index] = Tensor(index, self._tensors[index].name, data.shape, str(data.dtype), data)

    def _outputs(self, exported: Any) -> Iterator[int]:
        [node] = exported.graph.find_nodes(op="output")
        for value, spec in zip(node.args[0], exported.graph_signature.output_specs, strict=True):
            if spec.kind is not OutputKind.USER_OUTPUT:
                continue
            if isinstance(value, fx.Node):
                yield self._index[_made_by(value)]
            elif value is not None:
                index = len(self._tensors)
                self._tensors[index] = Tensor(index, f"output.{index}", (), "float32")
                self._constant(index, value)
                yield index


def array(value: Any) -> np.ndarray:
    """A tensor, or a plain number, as numpy holds it: C-contiguous; bfloat16 as float32."""
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    plain = value.detach().cpu()
    if plain.is_quantized:
        plain = plain.int_repr()
    if plain.dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        plain = plain.float()
    return np.array(plain.resolve_conj().resolve_neg().numpy(), order="C")


def _made_by(node: fx.Node) -> tuple[fx.Node, int | None]:
    """The operator behind a node and the place of the node among its results."""
    if node.op == "call_function" and node.target is operator.getitem and isinstance(node.args[0], fx.Node):
        return node.args[0], node.args[1]  # type: ignore[return-value]
    return node, None


def _slots(node: fx.Node) -> Iterator[int | None]:
    """The places of a node's results that are tensors or numbers: all of a list, of a tuple those that are read."""
    value = node.meta.get("val")
    if isinstance(value, list | tuple):
        read = {user.args[1] for user in node.users if user.target is operator.getitem}
        yield from (place for place in range(len(value)) if isinstance(value, list) or place in read)
    elif isinstance(value, torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool | int | float):
        yield None
