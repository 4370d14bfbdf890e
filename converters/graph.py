"""A model file as a graph: operators with their attributes, tensors with their constants. numpy only.

What `converters.<toolkit>.graph.read_graph(path)` returns, the same for every format, so that two files can be held
against each other without either toolkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converters.contract import Format


@dataclass(frozen=True)
class Quantization:
    """real = scales * (stored - zero_points), one of each for the tensor or for each slice of `axis`; both (n,).

    `rows`: how many slices of the first axis have ones of their own, as the directions of a recurrence.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    axis: int = 0
    rows: int = 1

    def same(self, other: Quantization | None) -> bool:
        """Whether every stored integer stands for the same number."""
        return (
            other is not None
            and self.scales.shape == other.scales.shape
            and (len(self.scales) < 2 or (self.axis, self.rows) == (other.axis, other.rows))
            and np.allclose(self.scales, other.scales, rtol=1e-6, atol=0)
            and np.array_equal(self.zero_points, other.zero_points)
        )

    def spread(self, ndim: int) -> tuple[np.ndarray, np.ndarray]:
        """(scales, zero points) shaped to multiply a tensor of `ndim` axes."""
        shape = [1] * ndim
        if len(self.scales) > 1:
            shape[self.axis] = len(self.scales) // self.rows
            shape[0] = self.rows if self.rows > 1 else shape[0]
        return self.scales.reshape(shape), self.zero_points.reshape(shape)


@dataclass(frozen=True)
class Tensor:
    """One tensor by its index in the file. `data` are a constant's values, flat bytes where numpy has not its type.

    A dynamic axis is -1; `shape` is None where the file does not say it. A `palettized` constant holds values
    of a table, the nearest ones of those that the file has for it.
    """

    index: int
    name: str
    shape: tuple[int, ...] | None
    dtype: str
    data: np.ndarray | None = None
    quantization: Quantization | None = None
    palettized: bool = False

    @property
    def constant(self) -> bool:
        """Whether the values are in the file."""
        return self.data is not None

    def real(self) -> np.ndarray:
        """A constant's values as the real numbers that they stand for, float64."""
        assert self.data is not None
        values = self.data.astype(np.float64)
        if self.quantization is None or (not values.ndim and len(self.quantization.scales) > 1):
            return values
        scales, zero_points = self.quantization.spread(values.ndim)
        return (values - zero_points) * scales


@dataclass(frozen=True)
class Op:
    """One operator by its place in the file; tensors by index, -1 where an input is left out."""

    index: int
    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """What a file computes. `inputs` and `outputs` are tensor indices in the file's order, with their public names.

    `notes` is what the file says beside its graph, as bytes: metadata, label files.
    """

    format: Format
    tensors: Mapping[int, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    notes: Mapping[str, bytes] = field(default_factory=dict)
