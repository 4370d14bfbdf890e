"""Masks: constants that put an infinity, or what stands for one, in the place of a score that a Softmax is not to see.

No grid of 8 or 16 bits holds both them and the scores: 1e4 over 255 steps is 39 a step, and a Softmax tells 0.1 apart.
So what they are added to or chosen for stays in float up to the Softmax, which gives out probabilities again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.graph import Graph

FAR = 1e4
"""The least of the numbers that models write for minus infinity: -1e4, -65504, -1e9, the least of float32."""
_CARRYING = frozenset((
    "add", "sub", "mul", "div", "neg", "where", "select", "selectv", "maskedfill", "min", "max", "minimum", "maximum",
    "reducemax", "amax", "cast", "identity", "copy", "clone", "reshape", "view", "squeeze", "unsqueeze", "expanddims",
    "flatten", "transpose", "permute", "expand", "broadcastto", "tile", "slice", "stridedslice", "gather", "concat",
    "concatenation", "cat", "split",
))  # fmt: skip
"""Operators that give out, beside other numbers, those that they are given, in small letters."""
_ENDING = frozenset(("softmax", "logsoftmax", "exp"))
"""Operators that make zeros of them."""


@dataclass(frozen=True)
class Masked:
    """The operators from a mask to its Softmax, this among them, and the tensors that hold what is masked."""

    ops: tuple[Any, ...]
    tensors: frozenset[int]


def masks(values: np.ndarray) -> bool:
    """Whether a constant holds what no score is: an infinity or a number beyond `FAR`, and no NaN."""
    if values.dtype.kind != "f" or not values.size or np.isnan(values).any():
        return False
    return bool(np.abs(values).max() >= FAR)


def masked(ops: Iterable[Any], constants: Collection[int]) -> Masked:
    """What lies between the constants that are `masks` and a Softmax; nothing where they lead to none.

    `ops` in file order, of any kind that has a type and its tensors by number: `Op`, `OpInfo`.
    """
    held, way, ends = set(constants), [], []
    for op in ops:
        kind = _name(op.type)
        if held.isdisjoint(op.inputs):
            continue
        if kind in _ENDING:
            ends.append(op)
        elif kind in _CARRYING:
            way.append(op)
            held.update(op.outputs)
    wanted = {index for op in ends for index in op.inputs}
    leading: list[Any] = []
    for op in reversed(way):
        if not wanted.isdisjoint(op.outputs):
            leading.append(op)
            wanted.update(op.inputs)
    return Masked((*reversed(leading), *ends), frozenset(wanted & held))


def masked_in(graph: Graph) -> Masked:
    """The same of a file's graph."""
    return masked(
        graph.ops, [i for i, tensor in graph.tensors.items() if tensor.data is not None and masks(tensor.data)]
    )


def _name(type: str) -> str:
    """`maskedfill` of `aten::masked_fill.Scalar`, `selectv` of SELECT_V2."""
    name = type.rpartition("::")[2].removeprefix("aten.").partition(".")[0].lower()
    return name.removeprefix("aten_").removesuffix("_copy").removeprefix("static").replace("_", "").rstrip("0123456789")
