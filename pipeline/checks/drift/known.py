"""One model as values show it: what each tensor held on the samples, in which order tensors are made, by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from converters.graph import Graph, Op
from pipeline.checks.drift.values import real

POINTS = 4096
"""Values of a sample by which tensors are matched: more say nothing new."""
SAMPLES = 4
_FEW = 64
_AVERAGED = 8
"""Values that an average is of, at least."""
_COMPUTED = frozenset(("ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QuantizeLinear", "QUANTIZE"))
"""Operators that give integers which stand for the values of a sample, even where those are the same in all."""

_OF_GRAPH = frozenset(("maker", "readers", "reads", "turn", "rank", "before", "computed", "live"))
"""What is told by the graph alone, whatever was recorded."""


@dataclass
class Known:
    """A graph with recorded values by tensor index, (n, *shape) as stored."""

    graph: Graph
    recorded: Mapping[int, np.ndarray]
    _real: dict[int, np.ndarray] = field(default_factory=dict)
    weights: dict[int, dict[int, Any]] = field(default_factory=dict)
    """What `folding.held` found of each operator, by its place: it is asked of every segment again."""

    def given(self, values: Mapping[int, np.ndarray]) -> Known:
        """The same model with other values of some tensors, that hold what it would give then."""
        found = Known(self.graph, {**self.recorded, **values})
        for name in _OF_GRAPH & self.__dict__.keys():
            found.__dict__[name] = self.__dict__[name]
        if found.steady == self.steady and values.keys().isdisjoint(self.steady):
            found.weights = self.weights
        return found

    @cached_property
    def maker(self) -> dict[int, Op]:
        """Who makes a tensor."""
        return {index: op for op in self.graph.ops for index in op.outputs}

    @cached_property
    def readers(self) -> dict[int, list[Op]]:
        """Who reads a tensor."""
        found: dict[int, list[Op]] = {}
        for op in self.graph.ops:
            for index in dict.fromkeys(op.inputs):
                found.setdefault(index, []).append(op)
        return found

    def stored(self, index: int) -> bool:
        """Whether the values of a tensor are in the file, or it is none."""
        return index < 0 or (index in self.graph.tensors and self.graph.tensors[index].constant)

    @cached_property
    def reads(self) -> dict[int, tuple[int, ...]]:
        """What each operator, by place, reads that is not stored."""
        return {op.index: tuple(index for index in op.inputs if not self.stored(index)) for op in self.graph.ops}

    @cached_property
    def turn(self) -> dict[int, int]:
        """The place of each operator in the order of computation: where the last of what it makes is."""
        return {op.index: max((self.rank[index] for index in op.outputs), default=-1) for op in self.graph.ops}

    @cached_property
    def rank(self) -> dict[int, int]:
        """The place of each computed tensor in the order of computation; inputs first."""
        made = (index for op in self.graph.ops for index in op.outputs)
        return {index: place for place, index in enumerate(dict.fromkeys((*self.graph.inputs, *made)))}

    @cached_property
    def before(self) -> dict[int, int]:
        """For each tensor those that it is computed from, as bits by rank; its own among them."""
        found = {index: 1 << place for index, place in self.rank.items()}
        for op in self.graph.ops:
            bits = 0
            for index in op.inputs:
                bits |= found.get(index, 0)
            for index in op.outputs:
                found[index] = bits | (1 << self.rank[index])
        return found

    def real(self, index: int, count: int = SAMPLES) -> np.ndarray:
        """The first samples of a tensor as real numbers, (n, *shape) float64."""
        if count > SAMPLES:
            return real(self.recorded[index][:count], self.graph.tensors[index])
        if index not in self._real:
            self._real[index] = real(self.recorded[index][:SAMPLES], self.graph.tensors[index])
        return self._real[index]

    @cached_property
    def steady(self) -> frozenset[int]:
        """Tensors that hold the same whatever the sample: they come from constants and shapes, or are dead."""
        inputs = [self.recorded[index] for index in self.graph.inputs if index in self.recorded]
        if not any(_varies(values) for values in inputs):
            return frozenset(index for index, values in self.recorded.items() if not values.size)
        return frozenset(index for index, values in self.recorded.items() if not _varies(values))

    def dtype(self, index: int) -> np.dtype:
        """The number type in which a tensor is stored."""
        tensor = self.graph.tensors[index]
        seen = self.recorded.get(index) if tensor.data is None else tensor.data
        return np.dtype(tensor.dtype) if seen is None else seen.dtype

    def needed(self, end: int, known: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Of `known` values those from which tensor `end` is computed."""
        found: dict[int, np.ndarray] = {}
        todo, seen = [end], set()
        while todo:
            index = todo.pop()
            if index in seen or index < 0:
                continue
            seen.add(index)
            if index in known:
                found[index] = known[index]
            elif index in self.maker and index not in self.steady:
                todo += self.maker[index].inputs
        return found

    @cached_property
    def computed(self) -> frozenset[int]:
        """Tensors that the inputs are needed for, those that happened to hold the same for all samples too."""
        inputs = sum(1 << self.rank[index] for index in self.graph.inputs)
        return frozenset(index for index, bits in self.before.items() if bits & inputs)

    @cached_property
    def averaged(self) -> frozenset[int]:
        """Tensors that come from averages of many values alone: noise moves them little, other samples far more."""
        found: set[int] = set()
        for op in self.graph.ops:
            read = [index for index in op.inputs if index in self.recorded and index not in self.steady]
            made = [index for index in op.outputs if index in self.recorded]
            if not read or not made:
                continue
            kind = op.type.lower()
            many = self.recorded[read[0]][0].size >= _AVERAGED * self.recorded[made[0]][0].size
            if found.issuperset(read) or (many and ("mean" in kind or "average" in kind or "avg" in kind)):
                found.update(made)
        return frozenset(found)

    @cached_property
    def live(self) -> frozenset[int]:
        """Tensors that an output needs."""
        found = set(self.graph.outputs)
        for op in reversed(self.graph.ops):
            if found.intersection(op.outputs):
                found.update(op.inputs)
        return frozenset(found)

    @cached_property
    def settled(self) -> frozenset[int]:
        """Of the steady ones, small integers and flags: sizes that are computed from shapes.

        Not a zero point that only happens to be the same: its operator finds a scale beside it, which is not.
        """
        small = {i for i in self.steady if self.recorded[i].dtype.kind in "iub" and self.recorded[i][0].size <= _FEW}
        made = {i: self.maker[i] for i in small if i in self.maker}
        values = {i for i, op in made.items() if op.type in _COMPUTED or not self.steady.issuperset(op.outputs)}
        return frozenset(small - values)


def _varies(values: np.ndarray) -> bool:
    if not values.size or len(values) < 2:
        return bool(values.size)
    first = values[:1]
    with np.errstate(invalid="ignore"):
        return bool((values[1:] != first).any())
