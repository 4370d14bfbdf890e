"""Tensors on their way to TensorFlow Lite: constants stay numpy's, and a channels-last tensor stays so while it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
"""The order of axes that TensorFlow's windows want, by rank."""


@dataclass(frozen=True)
class Value:
    """A tensor of ONNX: `data` holds its axes in `order`, axis `i` of the data being axis `order[i]` of ONNX's."""

    data: Any
    order: tuple[int, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether the value is known."""
        return isinstance(self.data, np.ndarray)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.data.shape)

    @property
    def turned(self) -> bool:
        """Whether its axes stand in another order than ONNX's."""
        return bool(self.order) and self.order != tuple(range(len(self.order)))

    def place(self, axis: int) -> int:
        """Where an axis of ONNX's stands in the data."""
        axis = axis % max(self.rank, 1)
        return self.order.index(axis) if self.turned else axis


def ordered(value: Value, order: Sequence[int]) -> Any:
    """The data with its axes in that order."""
    import tensorflow as tf

    have = value.order if value.turned else tuple(range(value.rank))
    steps = [have.index(axis) for axis in order]
    if steps == list(range(len(steps))):
        return value.data
    return value.data.transpose(steps) if value.constant else tf.transpose(value.data, steps)


def plain(value: Value) -> Any:
    """The data as ONNX has it."""
    return ordered(value, range(value.rank))


def together(values: Sequence[Value]) -> tuple[list[Any], tuple[int, ...]]:
    """Operands of an elementwise operator with their axes in one order, and that order; constants go along."""
    turned = [value for value in values if value.turned and not value.constant]
    if not turned:
        return [plain(value) for value in values], ()
    order = turned[0].order
    made = []
    for value in values:
        if value.rank > len(order):
            return [plain(each) for each in values], ()
        if value.rank and value.rank < len(order):
            value = Value(_widened(plain(value), len(order)))
        made.append(ordered(value, order) if value.rank else value.data)
    return made, order


def _widened(data: Any, rank: int) -> Any:
    import tensorflow as tf

    missing = rank - len(data.shape)
    if isinstance(data, np.ndarray):
        return data.reshape([1] * missing + list(data.shape))
    return tf.reshape(data, [1] * missing + [-1 if size is None else size for size in data.shape])
