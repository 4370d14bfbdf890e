"""Which values a model's inputs may take, where its owner did not say: told by examples, or by asking the model."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from converters.contract import Arrays, TensorSpec

Call = Callable[[Arrays], Arrays]

_TELLING = 16
"""Elements of an example that tell a range; fewer are single points."""
_FEW = 8
_GREATEST = 65_535
_SLOW_S = 1.0
"""A call that takes longer ends the search: the integer counts how much work is done."""


def with_limits(specs: tuple[TensorSpec, ...], values: Arrays, examples: bool, call: Call) -> tuple[TensorSpec, ...]:
    """The specs with the limits that were found; those that have them stay as they are.

    Float examples tell the range that they span. An integer that indexes a table is found by asking: the model refuses
    what lies beyond. Other integers stay open (0 and 1 may be all that a mask takes), but for bytes, which are pixels.

    Args:
        specs: the inputs.
        values: one value of each, with which the model works.
        examples: whether the values are the owner's own.
        call: an eager call of the model, arrays by name in and out.
    """

    def find(spec: TensorSpec) -> tuple[float, float] | None:
        value, kind = values[spec.name], np.dtype(spec.dtype).kind
        if kind == "f" and examples and value.size >= _TELLING and value.min() < value.max():
            return _round(float(value.min()), float(value.max()))
        if kind not in "iu":
            return None
        greatest = _greatest(spec, values, call)
        if greatest is None:  # any value goes; where there are few elements, 0 and 1 would make few inputs
            bytes_or_few = spec.dtype == "uint8" or (value.size < _FEW and np.iinfo(spec.dtype).max > 255)
            return (0.0, 255.0) if bytes_or_few else None
        return (0.0, float(greatest)) if greatest else None

    found = tuple(dataclasses.replace(spec, limits=spec.limits or find(spec)) for spec in specs)
    together = {s.name: _filled(s, values, s.limits[1]) if s.limits else values[s.name] for s in found}
    return found if _works(call, together) else specs


def _round(low: float, high: float) -> tuple[float, float]:
    """A usual range that the values nearly fill, else their own."""
    for least, most in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if least <= low and high <= most and high - low >= 0.8 * (most - least):
            return least, most
    return low, high


def _greatest(spec: TensorSpec, values: Arrays, call: Call) -> int | None:
    """The greatest integer that the model takes everywhere in an input; None where no end was found."""

    def takes(value: int) -> bool:
        return _works(call, {**values, spec.name: _filled(spec, values, value)}, like=outputs)

    outputs = call(values)
    limit = min(_GREATEST, int(np.iinfo(spec.dtype).max))
    low, high = 0, 1
    while high < limit and takes(high):
        low, high = high, 2 * high + 1
    if high >= limit and takes(limit):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    return low


def _works(call: Call, inputs: Arrays, like: Arrays | None = None) -> bool:
    """Whether the model takes the inputs without an error or infinity; like another answer: quick, the same shapes."""
    start = time.perf_counter()
    try:
        outputs = call(inputs)
    except Exception:  # the refusal that is looked for
        return False
    if like is not None and time.perf_counter() - start > _SLOW_S:
        return False
    if like is not None and {n: v.shape for n, v in outputs.items()} != {n: v.shape for n, v in like.items()}:
        return False
    return all(value.dtype.kind != "f" or bool(np.isfinite(value).all()) for value in outputs.values())


def _filled(spec: TensorSpec, values: Arrays, value: float) -> np.ndarray:
    return np.full_like(values[spec.name], value)
