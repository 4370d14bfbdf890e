"""The graph under rewriting: what is known of its tensors, and the nodes that a rule puts in a node's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converters.errors import EdgeExportError


class LeaveError(EdgeExportError):
    """A rule cannot replace this node; the message says why."""


class Build:
    """Emits nodes into `nodes`, and tells the shapes, types and values of tensors by name.

    Every name that it makes begins with `prefix`, so that nodes of several replacements never meet. `opset` is the
    model's: operators are written as that version has them.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.opset = next(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.prefix = ""
        self._count = 0
        graph = model.graph
        self._values = {tensor.name: tensor for tensor in graph.initializer}
        self._cache: dict[str, np.ndarray] = {}
        self._types = {v.name: v.type.tensor_type for v in (*graph.input, *graph.value_info, *graph.output)}
        self._sequences = {v.name for v in (*graph.value_info, *graph.output) if v.type.HasField("sequence_type")}

    def start(self, prefix: str) -> None:
        """Begins a replacement with nothing emitted."""
        self.nodes, self.initializers, self.prefix, self._count = [], [], prefix, 0

    # what is known

    def value(self, name: str) -> np.ndarray | None:
        """The value of a constant; None for what is computed, and for an input that is left out."""
        if name not in self._values:
            return None
        if name not in self._cache:
            self._cache[name] = numpy_helper.to_array(self._values[name])
        return self._cache[name]

    def need(self, name: str, what: str) -> np.ndarray:
        """The value of a constant; LeaveError where it is computed."""
        found = self.value(name)
        if found is None:
            raise LeaveError(f"its {what} is computed while the model runs")
        return found

    def rank_or_none(self, name: str) -> int | None:
        """The number of axes, where it is known."""
        if name in self._values:
            return len(self._values[name].dims)
        known = self._types.get(name)
        return len(known.shape.dim) if known is not None and known.HasField("shape") else None

    def rank(self, name: str) -> int:
        """The number of axes; LeaveError where nobody knows it."""
        found = self.rank_or_none(name)
        if found is None:
            raise LeaveError(f"the rank of {name!r} is not known")
        return found

    def sizes(self, name: str) -> tuple[int | None, ...]:
        """The shape, None for an axis of open size; LeaveError where not even the rank is known."""
        if name in self._values:
            return tuple(self._values[name].dims)
        self.rank(name)
        dims = self._types[name].shape.dim
        return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape; LeaveError where an axis is of open size."""
        found = self.sizes(name)
        if None in found:
            raise LeaveError(f"the shape of {name!r} is open: {found}")
        return tuple(int(size) for size in found if size is not None)

    def elem_type(self, name: str) -> int:
        """The element type (TensorProto.DataType); LeaveError where nobody knows it."""
        if name in self._values:
            return int(self._values[name].data_type)
        known = self._types.get(name)
        if known is None or not known.elem_type:
            raise LeaveError(f"the type of {name!r} is not known")
        return int(known.elem_type)

    def dtype(self, name: str) -> np.dtype[Any]:
        """The element type as numpy has it."""
        return helper.tensor_dtype_to_np_dtype(self.elem_type(name))

    # what is emitted

    def name(self) -> str:
        """A fresh name."""
        self._count += 1
        return f"{self.prefix}/{self._count}"

    def constant(self, array: Any, dtype: Any = None) -> str:
        """The name of a constant."""
        made = np.asarray(array, dtype)
        name = self.name()
        tensor = numpy_helper.from_array(np.ascontiguousarray(made).reshape(made.shape), name)
        self.initializers.append(tensor)
        self._values[name] = tensor
        return name

    def like(self, array: Any, name: str) -> str:
        """The name of a constant of the element type of tensor `name`."""
        return self.constant(array, self.dtype(name))

    def many(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> list[str]:
        """Emits a node; the names of its outputs."""
        names = [self.name() for _ in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **given))
        return names

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Emits a node of one output; the name of that."""
        return self.many(kind, *inputs, **attributes)[0]

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """`x` in another shape; -1 as ONNX has it, 0 for a size of nothing."""
        zero = 1 if 0 in sizes and self.opset >= 14 else None
        return self.op("Reshape", x, self.constant(list(sizes), np.int64), allowzero=zero)

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """`x` with its axes in another order."""
        return x if list(order) == list(range(len(order))) else self.op("Transpose", x, perm=list(order))

    def slice(self, x: str, axes: Sequence[int], starts: Sequence[int], ends: Sequence[int], steps: Any = None) -> str:
        """A part of `x`."""
        rows = [starts, ends, axes, steps if steps is not None else [1] * len(axes)]
        return self.op("Slice", x, *(self.constant(list(row), np.int64) for row in rows))

    def gather(self, x: str, indices: Any, axis: int) -> str:
        """Entries of `x` along an axis, by constant indices."""
        return self.op("Gather", x, self.constant(indices, np.int64), axis=axis)

    def cast(self, x: str, elem_type: int) -> str:
        """`x` as another element type."""
        return self.op("Cast", x, to=elem_type)

    def pad(self, x: str, before: Sequence[int], after: Sequence[int], fill: str) -> str:
        """`x` with constant borders."""
        if not any(before) and not any(after):
            return x
        return self.op("Pad", x, self.constant([*before, *after], np.int64), fill)

    def reduce(self, kind: str, x: str, axes: Sequence[int], keepdims: int = 1) -> str:
        """`x` reduced over constant axes."""
        if not axes:
            return self.op("Identity", x)
        as_input = 13 if kind == "ReduceSum" else 18
        if self.opset >= as_input:
            return self.op(kind, x, self.constant(list(axes), np.int64), keepdims=keepdims)
        return self.op(kind, x, axes=list(axes), keepdims=keepdims)

    def unsqueeze(self, x: str, axes: Sequence[int]) -> str:
        """`x` with axes of size 1 put in."""
        return self.op("Unsqueeze", x, self.constant(list(axes), np.int64))

    def squeeze(self, x: str, axes: Sequence[int]) -> str:
        """`x` with axes of size 1 taken out."""
        return self.op("Squeeze", x, self.constant(list(axes), np.int64))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node by name, texts decoded."""
    found = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in found.items()}


def reads(node: onnx.NodeProto, place: int) -> str:
    """The name of an input, empty where it is left out."""
    return node.input[place] if len(node.input) > place else ""
