"""Which constant of one segment is which of the other, in another layout, scaled by channel, rounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.around import NOTHING, Around, around
from pipeline.checks.drift.grids import cells, fitted_steps
from pipeline.checks.drift.known import POINTS, Known
from pipeline.checks.drift.layout import Layout, layouts
from pipeline.checks.drift.partly import mostly

LEAST = 4
"""Constants of fewer values are no weights: the segment's values judge them."""
NEAR = 0.12
"""Relative distance from which two constants are not each other's rounding, where that is fine."""
COARSE = 2.0
"""Times what rounding to the grid or table of a constant leaves: from there on, where that is coarse."""
STORED, HALF = 1e-5, 2e-3
"""Relative distance of a vector from the same one in float32, and in 16 bits."""
SAME = 2e-6
"""Relative distance of float constants that are one: folding a batch norm leaves 1e-7 to 1e-6."""
_FACTORS = {1: "alpha", 2: "beta"}
"""Attributes of a Gemm by the input that they multiply."""
PLAIN = 0.02
"""Of channels' scales: nearer to one than this, nothing was folded in."""


@dataclass(frozen=True, eq=False)
class Held:
    """A constant that a segment reads: real values, and the step of each where it is rounded to a grid.

    `palettized`: the values are those of a table. Each is itself and no other, whatever it holds.
    """

    index: int
    op: Op
    values: np.ndarray
    step: np.ndarray | None
    ends: np.ndarray | None
    half: bool = False
    palettized: bool = False
    multiplied: bool = False
    """Whether its operator multiplies it by a number, which is in the values."""
    around: Around = NOTHING
    """What a converter may have folded into it."""
    tried: dict[Held, Folded | None] = field(default_factory=dict, repr=False)
    """What `_fit` said of it beside constants of the other model: hundreds of segments ask for the same two."""

    @property
    def rounded(self) -> bool:
        """Whether it is stored more coarsely than float32, or was."""
        return self.half or self.palettized or self.step is not None

    def coarser(self, other: Held) -> bool:
        """Whether it is rounded where the other is not, or to integers where the other is in 16 bits."""
        own = self.palettized or self.step is not None
        return self.rounded and not (other.palettized or other.step is not None) and (own or not other.half)

    @cached_property
    def near(self) -> float:
        """The relative distance from which another constant is not the one that this is the rounding of."""
        return max(NEAR, COARSE * self.coarseness)

    @cached_property
    def coarseness(self) -> float:
        """The relative distance that rounding to its grid or table leaves, on average; 0 where there is none."""
        power = float(np.square(self.values).mean())
        width = cells(self.values) if self.palettized else self.step
        return 0.0 if width is None or power <= 0 else float(np.sqrt(np.square(width).mean() / 12 / power))

    @property
    def vector(self) -> bool:
        """Whether its values lie along one axis."""
        return self.values.size == max(self.values.shape, default=1)


@dataclass(frozen=True)
class Folded:
    """Constant `b` is constant `a` in another layout, times `scale` (shaped to multiply b)."""

    a: Held
    b: Held
    layout: Layout
    scale: np.ndarray
    distance: float
    partly: bool = False
    """Whether most of it is, and some of it is something else: that was changed."""


def held(side: Known, ops: Sequence[Op], least: int = LEAST) -> list[Held]:
    """The weights of operators, each once; those that are computed from constants as they were recorded.

    The scales by which an operator expands integers are none, nor is what an operator only passes on.
    """
    found: dict[int, Held] = {}
    for op in ops:
        if op.index not in side.weights:
            side.weights[op.index] = dict(_held(side, op))
        found |= {index: one for index, one in side.weights[op.index].items() if index not in found}
    return [one for one in found.values() if one.values.size >= least]


def _held(side: Known, op: Op) -> Iterator[tuple[int, Held]]:
    """The weights of one operator, whatever their size, by index."""
    expands = op.outputs and side.steady.issuperset(op.outputs) and _reads_integers(side, op)
    for slot, index in enumerate(op.inputs):
        if index < 0 or index in op.inputs[:slot]:
            continue
        tensor, one = side.graph.tensors[index], None
        if tensor.data is not None:
            plain = tensor.data.dtype.kind == "f" and not expands and not _passed_on(side, op, tensor.data)
            if plain or (tensor.data.dtype.kind in "iu" and tensor.quantization is not None):
                one = _constant(side, index, op)
        elif index in side.steady and side.recorded[index].dtype.kind == "f":
            one = _computed(side, index, op)
        if one is not None and op.type == "Gemm":
            one = _multiplied(one, float(op.attributes.get(_FACTORS.get(slot, ""), 1.0)))
        if one is not None and np.isfinite(one.values).all():
            yield index, replace(one, around=around(side, op))


def _passed_on(side: Known, op: Op, data: np.ndarray) -> bool:
    """Whether an operator gives a constant out as it is, in another type or order: then its reader holds it."""
    made = (side.recorded[index][0] for index in op.outputs if index in side.steady and index in side.recorded)
    flat = np.sort(data, None).astype(np.float64)
    return any(one.size == flat.size and np.array_equal(np.sort(one, None), flat) for one in made)


def _multiplied(one: Held, factor: float) -> Held:
    """A constant as its operator uses it, which multiplies it by a number."""
    step = one.step * abs(factor) if one.step is not None else None
    return one if factor == 1 else replace(one, values=one.values * factor, step=step, multiplied=True, tried={})


def _reads_integers(side: Known, op: Op) -> bool:
    data = [side.graph.tensors[index].data for index in op.inputs if index >= 0]
    return any(one is not None and one.dtype.kind in "iu" and one.size > 1 for one in data)


def _constant(side: Known, index: int, op: Op) -> Held:
    tensor = side.graph.tensors[index]
    assert tensor.data is not None
    if tensor.quantization is None:
        half = _stored(side, index) != "float32" and not tensor.palettized
        return Held(index, op, tensor.real(), None, None, half, tensor.palettized)
    scales, _ = tensor.quantization.spread(tensor.data.ndim)
    limits = np.iinfo(tensor.data.dtype) if tensor.data.dtype.kind in "iu" else None
    at_ends = (tensor.data <= limits.min + 1) | (tensor.data >= limits.max) if limits else None
    return Held(index, op, tensor.real(), np.broadcast_to(scales, tensor.data.shape), at_ends)


def _stored(side: Known, index: int) -> str:
    """The type in which a constant is stored that may be cast before it is read."""
    maker = side.maker.get(index)
    while maker is not None and maker.type == "Cast" and side.graph.tensors[maker.inputs[0]].data is not None:
        index = maker.inputs[0]
        maker = side.maker.get(index)
    return side.graph.tensors[index].dtype


def _computed(side: Known, index: int, op: Op) -> Held:
    """A constant that is computed before it is read: where it comes from integers of its size, with their steps."""
    values = side.recorded[index][0].astype(np.float64)
    for source in side.maker[index].inputs if index in side.maker else ():
        data = side.graph.tensors[source].data if source >= 0 else None
        if data is not None and data.dtype.kind in "iu" and data.size == values.size:
            integers = data.reshape(values.shape).astype(np.float64)
            for axis in (None, *range(values.ndim)):
                step = fitted_steps(values, integers, axis)
                if step is not None:
                    limits = np.iinfo(data.dtype)
                    ends = (integers <= limits.min + 1) | (integers >= limits.max)
                    return Held(index, op, values, np.broadcast_to(step, values.shape), ends)
    return Held(index, op, values, None, None, not _only_turned(side, index, values))


def _only_turned(side: Known, index: int, values: np.ndarray) -> bool:
    """Whether a computed constant holds the values of one in float32, in another shape or order."""
    made_of = (side.graph.tensors[i] for i in side.maker[index].inputs if i >= 0) if index in side.maker else ()
    held = [one.data for one in made_of if one.data is not None and one.dtype == "float32"]
    return any(one.size == values.size and np.array_equal(np.sort(one, None), np.sort(values, None)) for one in held)


def folded(ours: Sequence[Held], theirs: Sequence[Held]) -> list[Folded]:
    """The constants of b that are constants of a, the nearest first; each once.

    Where a has more vectors of a size than b, some were folded into others: a bias that is merely near to an offset of
    a batch norm, by a small mean, is none of a's.
    """
    every = sorted((one for b in theirs for a in ours if (one := _known_fit(a, b))), key=lambda one: one.distance)
    every = [one for one in every if one.distance <= _exact(one.b) or not _merged(one.b, one.a, ours, theirs)]
    found: list[Folded] = []
    for one in every:
        if all(one.a.index != other.a.index and one.b.index != other.b.index for other in found):
            found.append(one)
    return found


def _merged(b: Held, a: Held, ours: Sequence[Held], theirs: Sequence[Held]) -> bool:
    """Whether b is a vector, of which a has more of its size, or beside which a has numbers that are folded into it."""
    if not b.values.shape or not b.vector:
        return False
    if a.around.moved:
        return True
    counts = [sum(one.vector and one.values.size == b.values.size for one in side) for side in (ours, theirs)]
    return counts[0] > counts[1]


def _exact(b: Held) -> float:
    """The relative distance that storing a vector leaves."""
    if b.half:
        return HALF
    return max(STORED, 0.0 if b.palettized else COARSE * b.coarseness)


def _known_fit(a: Held, b: Held) -> Folded | None:
    """As `_fit`, computed once."""
    if a.values.size != b.values.size:
        return None
    if b not in a.tried:
        a.tried[b] = _fit(a, b)
    return a.tried[b]


def _fit(a: Held, b: Held) -> Folded | None:
    """How constant `b` is constant `a`, of as many values, where it is."""
    want, got = a.values[None], b.values
    size = got.size
    at = np.arange(size) if size <= POINTS else np.sort(np.random.default_rng(0).integers(0, size, POINTS))
    best: Folded | None = None
    for layout in layouts(a.values.shape, b.values.shape):
        plain = got.reshape(-1)[layout.places(at)]
        if best is not None and best.distance < 1e-3:
            break
        factors = (1.0, *a.around.factors)
        if got.ndim < 2 and min(distance_of(a.values.reshape(-1)[at] * one, plain) for one in factors) > b.near:
            continue
        turned = layout.carry(want)[0]
        for axis in (None, *range(got.ndim)):
            if axis is not None and got.shape[axis] in (1, got.size):
                continue
            scale = scale_of(turned, got, axis)
            if axis is None:
                scale = scale * min(factors, key=lambda one: distance_of(turned * one, got))
            elif np.abs(scale - 1).max() < PLAIN:
                scale = np.ones_like(scale)
            distance = distance_of(turned * scale, got)
            if distance <= b.near and (best is None or distance < 0.5 * best.distance):
                best = Folded(a, b, layout, scale, distance)
    if best is None and (most := mostly(a.values, b.values, _allowed(b))):
        best = Folded(a, b, most.layout, most.scale, 1 + most.changed, partly=True)
    return best


def _allowed(held: Held) -> np.ndarray:
    """How far each value may be from the one of which it is the rounding."""
    if held.step is not None:
        return 0.75 * held.step
    if held.palettized:
        return np.broadcast_to(0.55 * cells(held.values).reshape(-1), (held.values.size,)).reshape(held.values.shape)
    share = 2.0**-10 if held.half else SAME
    return share * np.abs(held.values) + share / 4 * np.abs(held.values).max(initial=0.0)


def scale_of(want: np.ndarray, got: np.ndarray, axis: int | None) -> np.ndarray:
    """The factor of each slice of an axis that brings `want` nearest to `got`; one where there is no axis."""
    if axis is None:
        return np.ones([1] * got.ndim)
    others = tuple(other for other in range(got.ndim) if other != axis)
    power = np.square(want).sum(others, keepdims=True)
    return np.where(power > 0, (want * got).sum(others, keepdims=True) / np.maximum(power, 1e-300), 1.0)


def distance_of(want: np.ndarray, got: np.ndarray) -> float:
    """The length of the difference, as a share of that of `got`."""
    power = float(np.square(got).sum())
    return float(np.sqrt(np.square(want - got).sum() / power)) if power > 0 else float(np.abs(want).max() > 0)


def substituted(one: Folded) -> np.ndarray:
    """What the reference's constant must be for both to hold exactly the same: b's values, as a holds them.

    A slice that b has lost (scale 0) stays as it is: what is folded into it makes it zero in the reference too.
    """
    lost = np.abs(one.scale) < 1e-12
    own = one.layout.carry(one.a.values[None])[0]
    return one.layout.back(np.where(lost, own, one.b.values / np.where(lost, 1.0, one.scale))[None])[0]
