"""The inputs on which one operator of each file is run alone, and whether both do the same with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converters.graph import Graph, Op, Tensor
from pipeline.checks.drift.stress import largest, within
from pipeline.checks.drift.values import Agreement, agree

STRESS = 8
"""Made-up samples beside the recorded ones: they reach what recorded values may not, as a clipped range."""
CLEARABLE = frozenset(("attribute", "type", "shape", "body"))
"""Kinds of differences that may be without effect: SAME or VALID where nothing is padded."""


def computed(graph: Graph, op: Op) -> list[Tensor]:
    """The inputs of an operator that are not constants, each once, in its order."""
    indices = dict.fromkeys(index for index in op.inputs if index >= 0)
    return [graph.tensors[index] for index in indices if not graph.tensors[index].constant]


def stressed(recorded: Sequence[np.ndarray], tensors: Sequence[Tensor], seed: int = 0) -> list[list[np.ndarray]]:
    """Samples for an operator: recorded ones, (n, *shape) for each input, and made-up ones like them."""
    rng = np.random.default_rng(seed)
    count = len(recorded[0]) if recorded else 0
    samples = [[values[n] for values in recorded] for n in range(count)]
    for turn in range(STRESS if count else 0):
        samples.append([_made_up(values, turn, rng) for values in recorded])
    return samples


def _made_up(recorded: np.ndarray, turn: int, rng: np.random.Generator) -> np.ndarray:
    """One value like the recorded ones, (n, *shape), from a quarter of their size to 32 times it."""
    value = recorded[turn % len(recorded)]
    if value.dtype.kind == "f":
        size = max(largest(recorded), 1.0)
        return within(rng.standard_normal(value.shape) * size * 2.0 ** (turn - 2), value.dtype)
    if value.dtype in (np.dtype(np.int8), np.dtype(np.uint8)):
        limits = np.iinfo(value.dtype)
        return rng.integers(limits.min, limits.max + 1, value.shape).astype(value.dtype)
    return value


def regridded(
    samples: list[list[np.ndarray]], ours: Sequence[Tensor], theirs: Sequence[Tensor]
) -> list[list[np.ndarray]]:
    """The samples of one file's operator as the other's stores them."""
    return [
        [_stored(value, one, two) for value, one, two in zip(sample, ours, theirs, strict=True)] for sample in samples
    ]


def _stored(value: np.ndarray, ours: Tensor, theirs: Tensor) -> np.ndarray:
    one, two = ours.quantization, theirs.quantization
    if one is None or two is None or one.same(two):
        return value.astype(theirs.dtype or value.dtype)
    limits = np.iinfo(theirs.dtype)
    real = (value.astype(np.float64) - one.zero_points[0]) * one.scales[0]
    return np.clip(np.rint(real / two.scales[0]) + two.zero_points[0], limits.min, limits.max).astype(theirs.dtype)


def same_work(
    want: Sequence[np.ndarray], got: Sequence[np.ndarray], ours: Sequence[Tensor], theirs: Sequence[Tensor]
) -> list[Agreement]:
    """For each output of an operator whether both files' give the same."""
    return [
        agree(first, second, one, two, exact=True)
        for first, second, one, two in zip(want, got, ours, theirs, strict=True)
    ]
