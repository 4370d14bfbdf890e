"""Whether rounded kernels are, on average, as large as they should be: an epsilon, a factor, two scales exchanged.

Rounding moves each weight by up to half a step, to either side. Of the size of a whole channel it leaves half a step
over the root of the number of its weights, of that of a kernel still less: how little is known, and with it the error
of the slope of what is stored on what the reference holds. What a norm or a factor behind a layer does to a channel is
read from the reference's own values, whatever operators do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from converters.graph import Op
from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Folded
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.rounded import order, reader
from pipeline.checks.drift.rounding import beyond
from pipeline.checks.drift.suspects import Suspect

SURE = 8.0
"""Standard errors: of a thousand kernels in a file none is so far off by chance, were rounding half as large again."""
LEAST = 5e-4
"""Of a size: what folding in another order and scales in float32 leave is a hundredth of it."""
FAR = 0.05
"""From here on something was folded in that the reference does not show at that place: no statement."""
FEW = 0.25
"""Of the channels: so many may be wrong by themselves; were it more, each was scaled on purpose."""
COHERENT = 0.8
"""Of the channels, all off to one side."""
AFFINE = 1e-4
"""Of a channel's deviation: what is left where one tensor is the other, times a factor, moved by an offset."""
_SPREAD = 6.0
"""Of a step squared: the variance of rounding is a twelfth, or a sixth where one chooses between both neighbours."""
_LEAST_HALF = 2.0**-24
"""The step of float16 around zero, below which it has no smaller ones."""
_DEAD = 1e-6
"""Of the largest slice: float32 itself would not add what is smaller to it."""
_SAMPLES = 16


@dataclass(frozen=True)
class Sizes:
    """How large each slice of a kernel's axis is against the reference's, and the standard error of that."""

    slope: np.ndarray
    error: np.ndarray


def scaled(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Rounded kernels of which a channel, or all, are larger or smaller than the reference's: no rounding does that."""
    for cut in cuts:
        pairs = folding.folded(folding.held(a, cut.ops_a), folding.held(b, cut.ops_b))
        for one in pairs:
            sized = one.b.step is not None or (one.b.half and not one.a.half)
            if one.partly or one.b.vector or not sized or not one.b.coarser(one.a) or _nearest(one):
                continue
            for said in _told(a, cut, one):
                ours, theirs = reader(a, one.a.op), reader(b, one.b.op)
                yield Suspect(
                    "weights", ours, theirs, said, "kernel: its size is not that of its weights", order(a, one)
                )
                break


def _nearest(one: Folded) -> bool:
    """Whether each is the integer nearest to the reference's value: then rounding did it, though it may lean to a side.

    Many values of a table of sines lie next to its end, in the same share of the last step.
    """
    return one.b.step is not None and one.scale.size == 1 and not beyond(one).any()


def _told(a: Known, cut: Segment, one: Folded) -> Iterator[str]:
    folded_in = [axis for axis, size in enumerate(one.scale.shape) if size > 1]
    for axis, size in enumerate(one.b.values.shape):
        if size < 2 or size == one.b.values.size:
            continue
        if axis in folded_in:
            plain = sizes(one, axis, 1.0)
            gains = list(_gains(a, cut, one.a.op, size))
            tried = [Sizes(plain.slope / gain, plain.error / np.abs(gain)) for gain in (np.ones(size), *gains)]
            near = min(tried, key=lambda found: float(np.median(np.abs(np.abs(found.slope) - 1))))
            yield from _odd(Sizes(np.abs(near.slope), near.error), known=len(tried) > 1)
        else:
            yield from _odd(sizes(one, axis, one.scale), known=not folded_in)


def sizes(one: Folded, axis: int, scale: np.ndarray | float) -> Sizes:
    """The slope of b's kernel on the reference's, times a scale, in each slice of an axis of b.

    Nothing is known of slices that lie below a step: there rounding makes zero of most, as where a window fades out;
    nor of those that are nothing beside the others, as filters that training has let die.
    """
    want, got = one.layout.carry(one.a.values[None])[0] * scale, one.b.values
    inside = np.ones(got.shape, bool) if one.b.ends is None else ~one.b.ends
    others = tuple(other for other in range(got.ndim) if other != axis)
    width = np.maximum(2.0**-10 * np.abs(got), _LEAST_HALF) if one.b.step is None else one.b.step
    power = (np.square(want) * inside).sum(others)
    noise = np.sqrt((np.square(want * width) * inside).sum(others) / _SPREAD)
    safe = np.where(power > 0, power, np.inf)
    slope = np.where(power > 0, (want * got * inside).sum(others) / safe, 1.0)
    told = (power > _DEAD**2 * power.max()) & (power >= (np.square(width) * inside).sum(others))
    return Sizes(slope, np.where(told, noise / safe, np.inf))


def _odd(found: Sizes, *, known: bool) -> Iterator[str]:
    """What is wrong with the sizes of slices, in words; with all of them together where those should be `known`."""
    off, least = found.slope - 1, np.maximum(SURE * found.error, LEAST)
    trusted = 1 / np.square(np.maximum(found.error, 1e-9))
    if known and trusted.sum() > 0 and np.abs(off[trusted > 0]).max() <= FAR:
        mean, error = float((off * trusted).sum() / trusted.sum()), float(trusted.sum() ** -0.5)
        together = float((np.sign(off) == np.sign(mean)).mean())
        if abs(mean) > max(SURE * error, LEAST) and together >= COHERENT:
            yield f"all of it by x{1 + mean:.5g} +- {error:.1g}"
            return
    wrong = (np.abs(off) > least) & np.isfinite(found.error)
    if 0 < wrong.sum() <= max(1, FEW * off.size) and off.size > 2:
        worst = int(np.abs(np.where(wrong, off, 0)).argmax())
        some = f"{int(wrong.sum())} of {off.size} slices"
        yield f"{some} off by up to x{found.slope[worst]:.5g} +- {found.error[worst]:.1g}"


def _gains(a: Known, cut: Segment, layer: Op, channels: int) -> Iterator[np.ndarray]:
    """What the operators behind a layer multiply each of its channels by, one by one and all so far: by values."""
    inside = {op.index for op in cut.ops_a}
    start = current = layer.outputs[0]
    while current in a.recorded:
        behind = [op for op in a.readers.get(current, ()) if op.index in inside]
        if len(behind) != 1 or not behind[0].outputs or behind[0].outputs[0] not in a.recorded:
            return
        current = behind[0].outputs[0]
        gain = _gain(a.real(start, _SAMPLES), a.real(current, _SAMPLES), channels)
        if gain is None:
            return
        yield gain


def _gain(x: np.ndarray, y: np.ndarray, channels: int) -> np.ndarray | None:
    """The factor by which each channel of `y` is that of `x`, moved by an offset; None where it is not."""
    if x.shape != y.shape or not np.isfinite(x).all() or not np.isfinite(y).all():
        return None
    for axis in (axis for axis in range(1, x.ndim) if x.shape[axis] == channels):
        first, second = (np.moveaxis(v, axis, 0).reshape(channels, -1) for v in (x, y))
        first, second = (v - v.mean(1, keepdims=True) for v in (first, second))
        power = np.square(first).sum(1)
        if not (power > 0).all():
            continue
        gain = (first * second).sum(1) / power
        left = np.sqrt(np.square(second - gain[:, None] * first).sum(1) / np.maximum(np.square(second).sum(1), 1e-300))
        if left.max() < AFFINE and (gain != 0).all():
            return gain
    return None
