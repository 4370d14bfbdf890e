"""How the same values lie in two tensors: axes in another order, axes of one element put in, axes run together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

_MOST_AXES = 5
"""Of more than one element: the orders of more axes than this are not tried."""


@dataclass(frozen=True)
class Layout:
    """From tensors of `shape_a` to tensors of `shape_b`, both without the axis of samples.

    `order` is that of the axes of more than one element: of a's where `of_a`, else of b's, which give a's when turned.
    """

    shape_a: tuple[int, ...]
    shape_b: tuple[int, ...]
    order: tuple[int, ...]
    of_a: bool = True

    @cached_property
    def fits(self) -> bool:
        """Whether both shapes hold as many values, along as many axes as are ordered; else nothing can be carried."""
        axes = len(_long(self.shape_a if self.of_a else self.shape_b))
        return math.prod(self.shape_a) == math.prod(self.shape_b) and axes == len(self.order)

    def carry(self, values: np.ndarray) -> np.ndarray:
        """Values of a, (n, *shape_a), as they lie in b."""
        if self.of_a:
            return _turned(values, self.shape_a, self.order, self.shape_b)
        return _turned_back(values, self.shape_b, self.order)

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values of b, (n, *shape_b), as they lie in a."""
        if self.of_a:
            return _turned_back(values, self.shape_a, self.order)
        return _turned(values, self.shape_b, self.order, self.shape_a)

    def places(self, at: np.ndarray) -> np.ndarray:
        """The places in b, in memory, of the places `at` in a."""
        return _places(_long(self.shape_a), self.order, at) if self.of_a else self._unplaced(at)

    def _unplaced(self, at: np.ndarray) -> np.ndarray:
        sizes = _long(self.shape_b)
        inside = np.unravel_index(at, tuple(sizes[axis] for axis in self.order))
        unturned: list[np.ndarray] = [inside[self.order.index(axis)] for axis in range(len(sizes))]
        return np.ravel_multi_index(tuple(unturned), sizes) if sizes else at


def layouts(shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> Iterator[Layout]:
    """Every way in which tensors of as many elements may hold the same values, the plainest first."""
    one, two = _long(shape_a), _long(shape_b)
    if math.prod(one) != math.prod(two):
        return
    yield Layout(shape_a, shape_b, tuple(range(len(one))))
    if len(one) == len(two):
        for order in permutations(range(len(one))) if len(one) <= _MOST_AXES else ():
            if tuple(one[axis] for axis in order) == two and list(order) != sorted(order):
                yield Layout(shape_a, shape_b, order)
        return
    for sizes, of_a in ((one, True), (two, False)):
        for order in permutations(range(len(sizes))) if 1 < len(sizes) < _MOST_AXES else ():
            if list(order) != sorted(order):
                yield Layout(shape_a, shape_b, order, of_a)


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _places(sizes: tuple[int, ...], order: tuple[int, ...], at: np.ndarray) -> np.ndarray:
    if not sizes:
        return at
    inside = np.unravel_index(at, sizes)
    return np.ravel_multi_index(tuple(inside[axis] for axis in order), tuple(sizes[axis] for axis in order))


def _turned(values: np.ndarray, shape: tuple[int, ...], order: tuple[int, ...], to: tuple[int, ...]) -> np.ndarray:
    long = _long(shape)
    turned = values.reshape(len(values), *long).transpose(0, *(axis + 1 for axis in order))
    return np.ascontiguousarray(turned).reshape(len(values), *to)


def _turned_back(values: np.ndarray, shape: tuple[int, ...], order: tuple[int, ...]) -> np.ndarray:
    long = _long(shape)
    turned = values.reshape(len(values), *(long[axis] for axis in order))
    back = turned.transpose(0, *(order.index(axis) + 1 for axis in range(len(order))))
    return np.ascontiguousarray(back).reshape(len(values), *shape)
