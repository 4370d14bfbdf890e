"""Kernels without a partner where the reference has one of their size without one: those of another layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Folded, Held, distance_of, held, scale_of
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import layouts
from pipeline.checks.drift.rounded import order_of, reader
from pipeline.checks.drift.suspects import Suspect

UNLIKE = 0.8
"""Relative distance, whatever each channel is scaled by: kernels that have nothing to do with each other show 1.0, one
into which factors of both its axes were folded 0.1 to 0.6."""
_ADDING = frozenset(("add", "sub"))


def strange(a: Known, b: Known, cuts: Sequence[Segment], same: Sequence[Folded]) -> Iterator[Suspect]:
    """A suspect for each segment with one kernel left over on both sides, of one size and unlike in any layout."""
    taken = {one.a.index for one in same}, {one.b.index for one in same}
    for cut in cuts:
        left = [
            [one for one in held(side, ops) if one.values.ndim > 1 and not one.vector and one.index not in known]
            for side, ops, known in ((a, cut.ops_a, taken[0]), (b, cut.ops_b, taken[1]))
        ]
        if len(left[0]) != 1 or len(left[1]) != 1 or left[0][0].values.size != left[1][0].values.size:
            continue
        (one,), (two,) = left
        sides = reader(a, one.op), reader(b, two.op)
        added = all(side.op_type.lower().removeprefix("aten.").partition(".")[0] in _ADDING for side in sides)
        if not one.rounded and (apart := _apart(one, two, added)) > UNLIKE:
            measure = f"{min(apart, 1.0):.0%} of it is not the reference's"
            yield Suspect(
                "weights", *sides, measure, "kernel: that of another layer, or in another order", order_of(a, cut)
            )


def _apart(one: Held, two: Held, added: bool) -> float:
    """The least relative distance of two kernels in any layout, reversed or not, each channel scaled at will.

    Of two that are `added`, each channel also moved: converters add the bias before them to a table of positions.
    """
    return min(nearest(one.values, flipped, added) for flipped in _reversed(two.values))


def _reversed(values: np.ndarray) -> Iterator[np.ndarray]:
    yield values
    for axes in ((0, 1), (1, 2), (2, 3), (-2, -1), (-1,), (0,)):
        if max(axes) < values.ndim and len(axes) <= values.ndim:
            yield np.flip(values, axes)


def nearest(want: np.ndarray, got: np.ndarray, added: bool = False) -> float:
    """The least relative distance of two constants of one size, in any layout, each slice of an axis scaled at will.

    Where they are `added`, each slice of an axis also moved.
    """
    found = [np.inf]
    for layout in layouts(want.shape, got.shape):
        turned = layout.carry(want[None])[0]
        for axis in (None, *range(got.ndim)):
            if axis is None or 1 < got.shape[axis] < got.size:
                found.append(distance_of(turned * scale_of(turned, got, axis), got))
            if added and axis is not None:
                found.append(distance_of(_centred(turned, axis), _centred(got, axis)))
    return float(min(found))


def _centred(values: np.ndarray, axis: int) -> np.ndarray:
    others = tuple(other for other in range(values.ndim) if other != axis)
    return np.asarray(values - values.mean(others, keepdims=True))
