"""Each quantized operator run alone on float activations: what error is its own, by channel and in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from converters.errors import UnsupportedError
from converters.graph import Graph, Op, Tensor
from converters.tracer import Tracer, Values
from converters.tuning.options import FOLDED

_SUFFIXES = ("_DequantizeLinear_Output", "_QuantizeLinear_Input", "")
"""What ONNX Runtime's quantizer writes behind a tensor's name."""


@dataclass(frozen=True)
class Isolated:
    """What an operator of the float file gives out, and its quantized self on the same inputs.

    Both are real numbers (n, *shape) of the float file's tensor `index`.
    """

    op: Op
    index: int
    wanted: np.ndarray
    got: np.ndarray

    @property
    def noise(self) -> float:
        """Mean squared error to mean square."""
        power = float(np.mean(np.square(self.wanted, dtype=np.float64)))
        return float(np.mean(np.square(self.got.astype(np.float64) - self.wanted))) / max(power, 1e-30)


def isolated(floats: Graph, values: Values, quantized: Tracer) -> Iterator[Isolated]:
    """Each operator of a float file that computes in integers in the quantized one.

    Args:
        floats: the float file.
        values: of its tensors, (n, *shape) by index, as many as could be recorded.
        quantized: the file made from it.
    """
    named = {tensor.name: tensor for tensor in quantized.graph.tensors.values()}
    made = {index for op in quantized.graph.ops for index in op.outputs} | set(quantized.graph.inputs)
    readers: dict[int, list[Op]] = {}
    for op in floats.ops:
        for read in op.inputs:
            readers.setdefault(read, []).append(op)
    for op in floats.ops:
        index = _shown(floats, op, readers, named)
        if index is None or index not in values or not _is_float(values[index]):
            continue
        given = _given(floats, op, values, named, made)
        wanted = _partner(floats.tensors[index], named)
        if not given or wanted is None or wanted.index in given:
            continue
        try:
            found = quantized.run(given, [wanted.index])
        except UnsupportedError:
            continue
        got = real(wanted, found[wanted.index])
        if got.shape == values[index].shape and np.isfinite(got).all():
            yield Isolated(op, index, values[index], got)


def stored(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Real numbers as a tensor stores them: integers where it is quantized."""
    if tensor.quantization is None or not tensor.dtype.startswith(("int", "uint")):
        return values
    scales, zero_points = tensor.quantization.spread(values.ndim)
    kind = np.iinfo(tensor.dtype)
    return np.clip(np.rint(values / scales) + zero_points, kind.min, kind.max).astype(tensor.dtype)


def real(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Stored values as the real numbers that they stand for, float32."""
    if tensor.quantization is None or values.dtype.kind not in "iu":
        return values.astype(np.float32)
    scales, zero_points = tensor.quantization.spread(values.ndim)
    return ((values.astype(np.float64) - zero_points) * scales).astype(np.float32)


def _shown(floats: Graph, op: Op, readers: Mapping[int, list[Op]], named: Mapping[str, Tensor]) -> int | None:
    """The tensor by which an operator's work shows in both files: its output, or that of what was folded into it."""
    if len(op.outputs) != 1:
        return None
    index: int = op.outputs[0]
    while floats.tensors[index].name not in named:
        behind = readers.get(index, [])
        if len(behind) != 1 or behind[0].type not in FOLDED:
            return None
        index = behind[0].outputs[0]
    return index


def _given(
    floats: Graph, op: Op, values: Values, named: Mapping[str, Tensor], made: set[int]
) -> dict[int, np.ndarray] | None:
    """The inputs of an operator, by index in the quantized file and as it stores them."""
    given: dict[int, np.ndarray] = {}
    for index in op.inputs:
        if index < 0 or floats.tensors[index].constant:
            continue
        name = floats.tensors[index].name
        there = [named[name + end] for end in ("_QuantizeLinear_Input", "") if name + end in named]
        there = [tensor for tensor in there if tensor.index in made]
        if not there or index not in values:
            return None
        given[there[0].index] = stored(there[0], values[index])
    return given


def _partner(tensor: Tensor, named: Mapping[str, Tensor]) -> Tensor | None:
    return next((named[tensor.name + end] for end in _SUFFIXES if tensor.name + end in named), None)


def _is_float(values: np.ndarray) -> bool:
    return values.dtype.kind == "f"
