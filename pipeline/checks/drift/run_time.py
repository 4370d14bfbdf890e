"""Inputs of operators that round them as they run, on a grid that they find from the values' own range.

Values that lie on that grid already, with both its ends among them, are rounded to themselves: what is left between
such an operator and the float one is the order of sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known

_MULTIPLIES = frozenset(("ConvInteger", "MatMulInteger"))
_LINKS = 3
_IN_BYTES = 4
"""Accuracy level of a MatMulNBits that rounds what it takes to 8 bits."""
_QUANTIZES = frozenset(("DynamicQuantizeLinear", "com.microsoft.DynamicQuantizeMatMul"))
"""They find one grid of 256 steps for each call."""


@dataclass(frozen=True)
class RunTimeGrid:
    """256 steps from the least value, or zero, to the greatest, or zero: for each call, (n, *shape) one a row."""

    def settled(self, values: np.ndarray) -> np.ndarray:
        """The nearest values of the grid that each row has."""
        flat = values.reshape(len(values), -1).astype(np.float32)
        low, high = np.minimum(flat.min(1, keepdims=True), 0), np.maximum(flat.max(1, keepdims=True), 0)
        step = np.where(high > low, (high - low) / np.float32(255), np.float32(1))
        zero = np.clip(np.rint(-low / step), 0, 255)
        steps = np.clip(np.rint(flat / step) + zero, 0, 255)
        steps[(flat == high) & (high > 0)] = 255  # half a step at both ends may lose one
        steps[(flat == low) & (low < 0)] = 0
        return ((steps - zero) * step).astype(values.dtype).reshape(values.shape)


def grid_at(side: Known, index: int) -> RunTimeGrid | None:
    """The grid on which a reader of a float tensor rounds it as it runs; None where none does."""
    return RunTimeGrid() if any(op.type in _QUANTIZES for op in side.readers.get(index, ())) else None


def rounds_inside(ops: Iterable[Op], starts: Iterable[int]) -> bool:
    """Whether one of the operators so rounds what others of them have made."""
    known = set(starts)
    return any(op.type in _QUANTIZES and op.inputs[0] not in known for op in ops)


def rounds(ops: Iterable[Op]) -> Iterator[Op]:
    """Those that round their inputs as they run."""
    return (op for op in ops if op.type in _QUANTIZES)


def hybrid(side: Known, op: Op) -> bool:
    """Whether an operator takes weights in integers beside values in float, and may round those too: TFLite's do.

    Of ONNX Runtime's those that round as they run, and do not show their integers; a product with blocks of 4 bits does
    so on the accuracy level that is the fastest.
    """
    if "DynamicQuantize" in op.type and op.type not in _QUANTIZES:
        return True
    if op.type.endswith("MatMulNBits"):
        return op.attributes.get("accuracy_level") == _IN_BYTES
    if side.graph.format != "tflite":
        return False
    small = [i for i in op.inputs if i >= 0 and side.graph.tensors[i].quantization is not None]
    held = any(side.graph.tensors[i].data is not None and side.graph.tensors[i].dtype.startswith("int") for i in small)
    return held and any(side.graph.tensors[i].dtype.startswith("float") for i in op.outputs if i not in side.steady)


@dataclass(frozen=True)
class Group:
    """An integer operator, and by their places what turns its sums into real numbers: the last gives those out."""

    main: Op
    inside: tuple[int, ...]
    end: int


def groups(side: Known, ops: Iterable[Op]) -> Iterator[Group]:
    """Those of each integer operator among `ops`: the cast, the multiplication, and the product of the two scales."""
    for op in ops:
        chain = [op]
        for kind in ("Cast", "Mul"):
            behind = side.readers.get(chain[-1].outputs[0], [])
            chain += behind if len(behind) == 1 and behind[0].type == kind else []
        if op.type in _MULTIPLIES and len(chain) == _LINKS:
            scales = (side.maker[index] for index in chain[-1].inputs if index in side.maker)
            factors = [one.index for one in scales if one.type == "Mul"]
            yield Group(op, (op.index, chain[1].index, *factors), chain[-1].index)
