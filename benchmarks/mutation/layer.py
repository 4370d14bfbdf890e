"""What a model file is to a fault in weights: layers with a kernel and a bias, whatever the format and the layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass
class Layer:
    """One layer. `kernel` is (out, height, width, in), of a depthwise one (channels, height, width, multiplier 1).

    `set_kernel` and `set_bias` take arrays of the same shapes, and change this layer alone, whoever shares its values.
    `bias` is None where the file has none.
    """

    place: int
    kernel: np.ndarray
    bias: np.ndarray | None
    set_kernel: Callable[[np.ndarray], None] = field(repr=False)
    set_bias: Callable[[np.ndarray], None] = field(repr=False)
    depthwise: bool = False


@dataclass
class Values:
    """A constant of one operator: limits, slopes, offsets, means. `set` changes it for this operator alone."""

    place: int
    type: str
    data: np.ndarray
    set: Callable[[np.ndarray], None] = field(repr=False)


class Editable(Protocol):
    """A model file of any format, taken apart."""

    def layers(self) -> list[Layer]:
        """Its layers with weights, in the order of the file."""

    def values(self) -> list[Values]:
        """The float constants of its other operators."""

    def write(self, path: Any) -> Any:
        """Puts the file together again."""


Planter = Callable[[Any, np.random.Generator], int | None]
"""Changes a file in place: gives the operator's place, -1 for a fault without a layer, None where nothing fits."""
Change = Callable[[Any, np.random.Generator], bool]
"""An honest change in place: whether the file had anything for it."""


def pick(rows: Sequence[Any] | Iterator[Any], rng: np.random.Generator) -> Any:
    """One of some (place, what is there), or (None, None)."""
    rows = list(rows)
    return rows[int(rng.integers(len(rows)))] if rows else (None, None)


def shuffled(rows: Sequence[Any], rng: np.random.Generator) -> Iterator[Any]:
    """All of them, in a random order."""
    return (rows[int(number)] for number in rng.permutation(len(rows)))
