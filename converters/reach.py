"""How far inputs drive a model: the least and the greatest value that each channel inside it takes. Numpy only.

An activation that real inputs never bring to its limit hides whatever is wrong beyond it. What a worker finds here
tells which inputs bring what to its limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

MOST_CHANNELS = 256
"""Of one value; of wider ones, evenly many are looked at."""
MULTIPLICATIONS = 16
"""That take as long as computing and looking at one value, in the kernels of a CPU."""

_AT_ZERO = frozenset(
    ("relu", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "clampmin", "threshold", "thresholdedrelu", "abs")
)
_BOUNDED: Mapping[str, tuple[float, ...]] = {
    "relu6": (0.0, 6.0),
    "relun1to1": (-1.0, 1.0),
    "relu0to1": (0.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "hardswish": (-3.0, 3.0),
    "hardsigmoid": (-3.0, 3.0),
    "sign": (0.0,),
}
_MOVING = frozenset(
    (
        "reshape", "view", "viewas", "flatten", "unflatten", "ravel", "permute", "transpose", "t", "movedim",
        "swapaxes", "moveaxis", "contiguous", "clone", "detach", "squeeze", "unsqueeze", "expanddims", "expand",
        "identity", "get", "getitem", "setitem", "stridedslice", "slice", "split", "splitv", "chunk", "unbind",
        "unstack", "unpack", "narrow", "select", "indexselect", "to", "type", "float", "double", "half", "bfloat16",
        "cast", "dropout", "featuredropout", "stopgradient", "requiresgrad", "broadcastto", "repeat", "tile",
        "gather", "gatherv2", "pad", "padv2", "mirrorpad", "stack", "pack", "cat", "concat", "concatv2",
        "concatenate", "roll", "flip", "copy", "readvariableop", "ensureshape", "snapshot", "unfold", "fold",
        "spacetobatchnd", "batchtospacend",
    )
)  # fmt: skip
"""Operators that only move values: what they give was seen before."""
_SUMMING = (
    *("conv", "matmul", "gemm", "linear", "addmm", "bmm", "mm", "fullyconnected", "dense", "einsum", "attention"),
    *("lstm", "gru", "rnn"),
)
"""In the names of operators that sum products."""
Shape = Sequence[int]


def plain(op: str) -> str:
    """An operator's name without what frameworks decorate it with: `relu_`, `Relu6` -> `relu`, `relu6`."""
    return op.replace("_", "").lower()


def moves_only(op: str) -> bool:
    """Whether an operator makes no new value."""
    return plain(op) in _MOVING


def thresholds(op: str, bounds: Sequence[float] = ()) -> tuple[float, ...]:
    """The values of its input where an operator begins to answer otherwise; none for most.

    `bounds` are those it was given, for a clamp.
    """
    name = plain(op)
    if bounds:
        return tuple(sorted({float(bound) for bound in bounds if np.isfinite(bound)}))
    return (0.0,) if name in _AT_ZERO else _BOUNDED.get(name, ())


def multiplications(op: str, made: Shape, given: Sequence[Shape], fixed: Sequence[Shape]) -> int:
    """How many multiplications an operator makes, nearly, by its first output's shape; 0 where it sums no products.

    Args:
        op: its name in any framework.
        made: what it gives.
        given: of what is computed before it.
        fixed: of its weights. Each of its channels is computed from as many of them.
    """
    if not any(word in plain(op) for word in _SUMMING) or not made:
        return 0
    size = math.prod(made)
    weights = [shape for shape in fixed if len(shape) > 1]
    if not weights:
        other = given[1] if len(given) > 1 else ()
        return size * (other[-2] if len(other) > 1 else 1)
    channels = [max({*shape} & {*made}, default=made[-1]) for shape in weights]
    return sum(size * math.prod(shape) // max(each, 1) for shape, each in zip(weights, channels, strict=True))


@dataclass(frozen=True)
class Watched:
    """A value inside a model: what an operator gives, or, where it has `thresholds`, what it is given."""

    name: str
    op: str
    channels: int
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reach:
    """For n samples and the channels of all watched values one after the other: least and greatest, (n, c) float32.

    NaN where an operator did not run for a sample. `usable` (n,): the outputs are finite, and hardly another for
    inputs that differ by a rounding. `work`: of one sample, the values that are watched and, `MULTIPLICATIONS` as one,
    what operators multiply; told by sizes, so that it is the same on every machine.
    """

    watched: tuple[Watched, ...]
    least: np.ndarray
    greatest: np.ndarray
    usable: np.ndarray
    work: int


@dataclass
class Recorder:
    """Collects what calls show, one call after the other; a value is known by its name and its turn in the call."""

    _rows: int = 0
    _turns: dict[tuple[str, str, int, tuple[float, ...]], int] = field(default_factory=dict)
    _found: dict[tuple[Watched, int], list[tuple[int, np.ndarray, np.ndarray]]] = field(default_factory=dict)
    _elements: dict[tuple[Watched, int], int] = field(default_factory=dict)
    _multiplied: int = 0  # in the present call
    _most_multiplied: int = 0  # for one sample

    def add(
        self, name: str, op: str, least: np.ndarray, greatest: np.ndarray, elements: int, at: tuple[float, ...] = ()
    ) -> None:
        """One value of a call: (samples, channels) each; `elements` of one sample; `at` are thresholds."""
        key = (name, op, least.shape[1], at)
        turn = self._turns[key] = self._turns.get(key, 0) + 1
        value = (Watched(name, op, least.shape[1], at), turn)
        self._found.setdefault(value, []).append((self._rows, least, greatest))
        self._elements[value] = elements

    def multiplied(self, op: str, made: Shape, given: Sequence[Shape], fixed: Sequence[Shape]) -> None:
        """An operator of the call ran; as `multiplications`."""
        self._multiplied += multiplications(op, made, given, fixed)

    def end_of_call(self, samples: int) -> None:
        """The next values belong to other samples."""
        self._most_multiplied = max(self._most_multiplied, self._multiplied // max(samples, 1))
        self._rows, self._multiplied = self._rows + samples, 0
        self._turns.clear()

    def reach(self, usable: np.ndarray) -> Reach:
        """All that was collected."""
        watched = tuple(value for value, _ in self._found)
        shape = self._rows, sum(value.channels for value in watched)
        least, greatest = (np.full(shape, np.nan, np.float32) for _ in range(2))
        start = 0
        for (value, _), parts in self._found.items():
            for row, low, high in parts:
                place = slice(row, row + len(low)), slice(start, start + value.channels)
                least[place], greatest[place] = low, high
            start += value.channels
        work = sum(self._elements.values()) + self._most_multiplied // MULTIPLICATIONS
        return Reach(watched, least, greatest, usable, work)


def looked_at(channels: int) -> np.ndarray:
    """Which channels of so many are looked at, indices."""
    return np.unique(np.linspace(0, channels - 1, min(channels, MOST_CHANNELS)).astype(np.int64))
