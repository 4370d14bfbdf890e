"""What a metric is: a pure function of (reference, got), its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from converters.errors import ContractError


@dataclass(frozen=True)
class Measure:
    """A metric. Called with (reference, got), both (n, *shape), it returns one float64 a sample, (n,).

    The reference comes first, always: it is the framework's eager fp32 output.
    """

    name: str
    unit: str  # empty for pure numbers
    better: Literal["lower", "higher"]
    of: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def __call__(self, reference: np.ndarray, got: np.ndarray) -> np.ndarray:
        """One value a sample, (n,) float64.

        Raises:
            ContractError: empty arrays, unequal shapes, or a NaN or Inf on either side.
        """
        rows, other = _rows(self.name, "reference", reference), _rows(self.name, "got", got)
        if np.shape(reference) != np.shape(got):
            raise ContractError(f"{self.name}: reference is {np.shape(reference)}, got is {np.shape(got)}")
        return self.of(rows, other)

    def over_all(self, reference: np.ndarray, got: np.ndarray) -> float:
        """One value over all samples taken as one vector."""
        return float(self(np.reshape(reference, (1, -1)), np.reshape(got, (1, -1)))[0])

    def worst(self, values: np.ndarray) -> int:
        """The index of the worst sample."""
        return int(np.argmax(values) if self.better == "lower" else np.argmin(values))


def measure(
    unit: str, better: Literal["lower", "higher"]
) -> Callable[[Callable[[np.ndarray, np.ndarray], np.ndarray]], Measure]:
    """Turns a function of two (n, k) float64 arrays into a Measure under the function's own name."""

    def wrap(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Measure:
        return Measure(function.__name__, unit, better, function)

    return wrap


def _rows(name: str, side: str, values: np.ndarray) -> np.ndarray:
    """(n, k) float64 of (n, *shape)."""
    values = np.asarray(values)
    if values.ndim == 0 or values.size == 0:
        raise ContractError(f"{name}: {side} is empty ({values.shape}); nothing compared proves nothing")
    rows = values.reshape(values.shape[0], -1).astype(np.float64, copy=False)
    if not np.isfinite(rows).all():
        raise ContractError(f"{name}: {side} holds {int((~np.isfinite(rows)).sum())} values that are NaN or Inf")
    return rows
