"""What a program computes, in one form for its own operators and for those inside of its delegates."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converters.errors import UnsupportedError

PORTABLE = "portable"
"""Where an operator runs that no delegate took: ExecuTorch's own kernels on the CPU."""
MEMORY = "memory"
"""Where nothing runs: a view, which the plan gives the place of what it shows in another shape, and no instruction."""


@dataclass(frozen=True)
class Value:
    """A tensor. `data` are the bytes of a constant, `initial` those of one that is kept from call to call.

    `quantization` is all that its integers stand for, for hashing.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    data: memoryview | None = None
    initial: bytes = b""
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    quantization: str = ""


@dataclass(frozen=True)
class Op:
    """An operator on values by their place; `attributes` is everything else that its result depends on."""

    type: str
    device: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Any = None

    @property
    def own(self) -> bool:
        """Whether the program computes it itself: no delegate does."""
        return self.device in (PORTABLE, MEMORY)


@dataclass
class Graph:
    """The main method's operators in the order of execution, delegates opened as far as their format is known."""

    values: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    backends: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    stateful: bool = False

    def add(self, value: Value) -> int:
        """The place of a new value."""
        self.values.append(value)
        return len(self.values) - 1

    def quantize(self, place: int, like: Value) -> None:
        """Gives a value of the program the quantization that a delegate knows of it."""
        self.values[place] = dataclasses.replace(
            self.values[place], scales=like.scales, zero_point=like.zero_point, quantization=like.quantization
        )


def itemsize(dtype: str) -> int:
    """Bytes of an element.

    Raises:
        UnsupportedError: the type is none that numpy has, nor bfloat16.
    """
    try:
        return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
    except TypeError:
        raise UnsupportedError(f"tensors of type {dtype} cannot be read") from None
