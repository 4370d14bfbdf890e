"""A frozen TensorFlow graph as a `converters.graph.Graph`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converters.contract import Format
from converters.digest import digest
from converters.graph import Graph, Op, Tensor
from converters.tf_graph.frozen import Frozen

_PASSES_ON = frozenset(
    (
        "Identity",
        "StopGradient",
        "PreventGradient",
        "Snapshot",
        "EnsureShape",
        "CheckNumerics",
        "PlaceholderWithDefault",
    )
)
_STATIC = frozenset(("Shape", "Size", "Rank", "ShapeN"))
_SILENT = frozenset(
    (
        *("use_cudnn_on_gpu", "parallel_iterations", "incompatible_shape_error", "N"),
        *("grad_a", "grad_b", "grad_x", "grad_y"),
    )
)
"""Attributes that say how a result is computed or what the tensors tell."""
_LARGEST_FOLD = 1 << 24
"""Elements of a constant that is computed once and kept."""


class Reader:
    """Numbers the tensors of a frozen graph. What only passes a tensor on has the number of what it passes.

    What is computed from constants alone, and shapes that are known, are constants. `told` are the latter: TensorFlow
    would compute them from what has the shape.
    """

    def __init__(self, frozen: Frozen, format: Format) -> None:
        self._frozen = frozen
        self.tensor: dict[int, Any] = {}
        self.told: dict[int, np.ndarray] = {}
        self._index: dict[str, int] = {}
        self._tensors: dict[int, Tensor] = {}
        self._library = {found.signature.name: found for found in frozen.graph.as_graph_def().library.function}
        operators = frozen.graph.get_operations()  # as they were imported: each behind those that it reads
        fed = {tensor.op.name for tensor in frozen.inputs.values()}
        for operator in operators:
            self._name(operator)
        self._fold([operator for operator in operators if operator.name not in fed])
        ops = tuple(
            self._op(place, operator)
            for place, operator in enumerate(operators)
            if self._stays(operator) and operator.name not in fed
        )
        self.graph = Graph(
            format=format,
            tensors=self._tensors,
            ops=ops,
            inputs=tuple(self._index[tensor.name] for tensor in frozen.inputs.values()),
            outputs=tuple(self._index[tensor.name] for tensor in frozen.outputs.values()),
            input_names=tuple(frozen.inputs),
            output_names=tuple(frozen.outputs),
        )

    def _name(self, operator: Any) -> None:
        if operator.type in _PASSES_ON and operator.inputs:
            self._index[operator.outputs[0].name] = self._index[operator.inputs[0].name]
            return
        for tensor in operator.outputs:
            index = self._index[tensor.name] = len(self._tensors)
            self.tensor[index] = tensor
            shape = None if tensor.shape.rank is None else tuple(-1 if n is None else n for n in tensor.shape.as_list())
            self._tensors[index] = Tensor(index, _title(tensor), shape, _dtype(tensor))

    def _anything(self) -> dict[Any, np.ndarray]:
        """Zeros for every input: the constants of a function that was put in line wait for its arguments."""
        sizes = {
            t: [n or 1 for n in t.shape.as_list()] for t in self._frozen.inputs.values() if t.shape.rank is not None
        }
        return {tensor: np.zeros(shape, tensor.dtype.as_numpy_dtype) for tensor, shape in sizes.items()}

    def _fold(self, operators: list[Any]) -> None:
        """Finds what is constant, and its values all at once."""
        constant: list[int] = []
        known: set[int] = set()
        for operator in operators:
            made = [self._index[tensor.name] for tensor in operator.outputs]
            if operator.type in _PASSES_ON or not made or not all(self._plain(index) for index in made):
                continue
            static = operator.type in _STATIC and all(t.shape.is_fully_defined() for t in operator.inputs)
            if static:
                for index, value in zip(made, _told_by_shape(operator), strict=True):
                    self._keep(index, value)
                    self.told[index] = value
                known |= set(made)
            elif operator.type == "Const" or (operator.inputs and self._follows(operator, known)):
                constant += made
                known |= set(made)
        values = self._frozen.fetch(self._anything(), [self.tensor[index] for index in constant]) if constant else []
        for index, value in zip(constant, values, strict=True):
            self._keep(index, value)

    def _follows(self, operator: Any, known: set[int]) -> bool:
        """Whether constants alone make what an operator gives out, always the same and not too much of it."""
        sizes = [tensor.shape.num_elements() for tensor in operator.outputs]
        small = all(size is not None and size <= _LARGEST_FOLD for size in sizes)
        return (
            small
            and not operator.op_def.is_stateful
            and not any(attribute.HasField("func") for attribute in operator.node_def.attr.values())
            and all(self._index[tensor.name] in known for tensor in operator.inputs)
        )

    def _plain(self, index: int) -> bool:
        """Whether numpy can hold the values as numbers."""
        return self._tensors[index].dtype not in ("", "str")

    def _keep(self, index: int, value: Any) -> None:
        data = plain_array(value)
        self._tensors[index] = Tensor(index, self._tensors[index].name, data.shape, str(data.dtype), data)

    def _stays(self, operator: Any) -> bool:
        passes = operator.type in (*_PASSES_ON, "Placeholder", "NoOp")
        return not passes and any(not self._tensors[self._index[t.name]].constant for t in operator.outputs)

    def _op(self, place: int, operator: Any) -> Op:
        return Op(
            place,
            operator.type,
            tuple(self._index[tensor.name] for tensor in operator.inputs),
            tuple(self._index[tensor.name] for tensor in operator.outputs),
            attributes(operator.node_def.attr, self._library),
        )


def attributes(values: Mapping[str, Any], library: Mapping[str, Any]) -> dict[str, Any]:
    """What a node says beside its tensors: numbers, texts, tuples of them; a body as a hash. Types are the tensors'."""
    found = {name: _plain(value, library) for name, value in sorted(values.items()) if not _silent(name, value)}
    return {name: value for name, value in found.items() if value is not None}


def _silent(name: str, value: Any) -> bool:
    types = value.WhichOneof("value") in ("type", "shape") or value.list.type or value.list.shape
    return name.startswith("_") or name in _SILENT or bool(types)


def _plain(value: Any, library: Mapping[str, Any]) -> Any:
    kind = value.WhichOneof("value")
    if kind == "list":
        items = next((list(values) for _, values in value.list.ListFields()), [])
        return tuple(_body(item, library) if hasattr(item, "attr") else _text(item) for item in items)
    if kind == "func":
        return _body(value.func, library)
    return _text(getattr(value, kind)) if kind in ("s", "i", "f", "b") else None


def _body(function: Any, library: Mapping[str, Any]) -> str:
    """A hash of what a function of the graph's library computes, whatever its names."""
    if function.name not in library:
        return str(function.name)
    body = library[function.name]
    place = {argument.name: number for number, argument in enumerate(body.signature.input_arg)}
    place |= {node.name: len(place) + number for number, node in enumerate(body.node_def)}
    rows = [
        (
            node.op,
            [(place.get(name.partition(":")[0], -1), name.partition(":")[2]) for name in node.input if name[0] != "^"],
            digest(node.attr["value"].tensor.SerializeToString(deterministic=True)).hex(),
            attributes(node.attr, library),
        )
        for node in body.node_def
    ]
    ends = [place.get(body.ret[argument.name].partition(":")[0], -1) for argument in body.signature.output_arg]
    return digest(rows, ends).hex()


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _told_by_shape(operator: Any) -> list[np.ndarray]:
    """What an operator says of tensors of known shape."""
    shapes = [np.asarray(tensor.shape.as_list()) for tensor in operator.inputs]
    told = {"Size": lambda shape: shape.prod(dtype=np.int64), "Rank": len}.get(operator.type, lambda shape: shape)
    types = [tensor.dtype.as_numpy_dtype for tensor in operator.outputs]
    return [np.asarray(told(shape), dtype) for shape, dtype in zip(shapes, types, strict=True)]


def _title(tensor: Any) -> str:
    name = tensor.name.removesuffix(":0")
    return str(name.removesuffix("/resource").removesuffix("/ReadVariableOp") if tensor.op.type == "Const" else name)


def _dtype(tensor: Any) -> str:
    """The type by its name in numpy; `str` for texts, float32 for what numpy has not, nothing for what is no array."""
    if tensor.dtype in (tf.resource, tf.variant):
        return ""
    if tensor.dtype == tf.string:
        return "str"
    name = str(np.dtype(tensor.dtype.as_numpy_dtype).name)
    return "float32" if name.startswith(("bfloat16", "float8")) else name


def plain_array(value: Any) -> np.ndarray:
    """A fetched value in a type of numpy's own."""
    data = np.asarray(value)
    return data if data.dtype.kind in "biufc" else data.astype(np.float32)
