"""Kernels in integers whose channels are scaled or lost, where nothing in the reference was folded into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Folded, Held
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.rounded import order, reader
from pipeline.checks.drift.suspects import Suspect

SAID = "kernel: its scales are not those of its weights"
SCALED = 0.04
"""Of a channel's weights: half a step in each of a few leaves less."""
UNIFORM = 0.03
"""Of their mean: the scales of channels that were all scaled by one number."""
FOLDED = 0.1
"""Of a factor's own size: weights of 4 bits tell the scale of a channel so well."""


def scaled(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Kernels of b in integers whose channels are scaled, where nothing in the segment could have been folded in.

    A batch norm, a factor or a mean is a constant of the reference that b has not. Of two kernels one may make up for
    the other.
    """
    for cut in cuts:
        ours, theirs = folding.held(a, cut.ops_a, 1), folding.held(b, cut.ops_b, 1)
        pairs = folding.folded(ours, theirs)
        kernels = [one for one in pairs if one.b.values.ndim > 1 and one.b.step is not None]
        taken = {one.a.index for one in pairs} | {other.index for other in ours if not other.values.any()}
        left = [one for one in ours if one.index not in taken]
        for one, by in _beyond_factors(a, cut, kernels, left):
            sides = reader(a, one.a.op), reader(b, one.b.op)
            yield Suspect("weights", *sides, f"all channels scaled by x{by:.3g}", SAID, order(a, one))
        if len(kernels) != 1 or any(other.index not in taken and other.values.ndim != 1 for other in ours):
            continue
        (one,) = kernels
        vectors = [other for other in ours if other.index not in taken and other.values.size > 1]
        apart = np.abs(one.scale - 1)
        if one.scale.size == 1 or apart.max() <= SCALED or len(vectors) > 1 or _explained(one.scale, vectors):
            continue
        worst = float(one.scale.reshape(-1)[apart.argmax()])
        measure = f"{int((apart > SCALED).sum())} of {one.scale.size} channels scaled, by up to x{worst:.4g}"
        ours_op, theirs_op = reader(a, one.a.op), reader(b, one.b.op)
        yield Suspect("weights", ours_op, theirs_op, measure, SAID, order(a, one))


def _beyond_factors(
    a: Known, cut: Segment, kernels: Sequence[Folded], others: Sequence[Held]
) -> Iterator[tuple[Folded, float]]:
    """(kernel, number) for kernels that are scaled as a whole beyond what can have been folded in.

    That is a factor of each channel behind a normalization, and any number that the reference holds; a division by the
    root of a width is folded in where an attention has no constant for it.
    """
    if any("batch" in op.type.lower() for op in cut.ops_a):
        return
    alike = (one.values for one in others if np.ptp(one.values) <= UNIFORM * abs(one.values.mean()))
    numbers = {abs(float(values.mean())) for values in alike}
    numbers |= {abs(v) for op in cut.ops_a for v in _floats(op.attributes.values())}
    factors = [one.values.reshape(-1) for one in others if _multiplies(a, one)]
    uniform = [(one, by) for one in kernels if not one.partly and (by := _uniform(one.scale.reshape(-1), factors))]
    excused = {ratio for n in numbers if n > 0 for ratio in (n, 1 / n)}
    for one, by in uniform:
        power = max(by, 1 / by) ** 4
        made_up = {1 / other for kernel, other in uniform if kernel is not one}
        if abs(by - 1) <= SCALED or abs(power - round(power)) <= UNIFORM * power:
            continue
        if all(abs(by / ratio - 1) > UNIFORM for ratio in excused | made_up):
            yield one, by


def _uniform(scale: np.ndarray, factors: Sequence[np.ndarray]) -> float:
    """The one number by which all channels are scaled, or all beyond one of the factors; 0 where there is none."""
    every = [scale, *(scale / values for values in factors if values.size == scale.size and values.all())]
    found = [float(v.mean()) for v in every if v.size > 1 and v.std() <= UNIFORM * abs(v.mean())]
    return max(found[0], 0.0) if len(found) == 1 else 0.0


def _multiplies(a: Known, held: Held) -> bool:
    """Whether an operator multiplies computed values by a vector."""
    kind = held.op.type.replace("_", "").lower()
    computed = any(index not in a.steady for index in held.op.outputs)
    return held.values.size > 1 and computed and ("norm" in kind or kind.rpartition(".")[2] in ("mul", "multiply"))


def _floats(values: Iterable[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, float):
            yield value
        elif isinstance(value, tuple | list):
            yield from _floats(value)


def lost(a: Known, b: Known, found: Sequence[Folded]) -> Iterator[Suspect]:
    """Kernels of b in integers of which a slice is zero that is not in the reference, and no factor is zero there."""
    vectors = [one.values.reshape(-1) for one in folding.held(a, a.graph.ops, 1) if one.vector]
    for one in found:
        gone = (one.scale == 0).reshape(-1)
        if one.b.step is None or one.partly or one.scale.size == 1 or not gone.any():
            continue
        if any(values.size == gone.size and values.any() and not values[gone].any() for values in vectors):
            continue
        want = one.layout.carry(one.a.values[None])[0]
        others = tuple(axis for axis, size in enumerate(one.scale.shape) if size == 1)
        gone &= (np.abs(want) > 0.5 * one.b.step).any(others).reshape(-1)
        if gone.any():
            measure = f"{int(gone.sum())} of {gone.size} slices are zero"
            ours, theirs = reader(a, one.a.op), reader(b, one.b.op)
            yield Suspect("weights", ours, theirs, measure, "kernel: channels are lost", order(a, one))


def _explained(scale: np.ndarray, vectors: Sequence[Held]) -> bool:
    """Whether the scales of channels are those of a vector: a factor, or a divisor, that was folded in."""
    flat = scale.reshape(-1)
    own = [one.values.reshape(-1) for one in vectors if one.values.size == flat.size and one.values.all()]
    ratios = [ratio for values in own for ratio in (flat / values, flat * values)]
    return any(float(ratio.std()) <= FOLDED * abs(float(ratio.mean())) for ratio in ratios)
