"""A bias, in float or finely rounded, beside rounded weights: what these leave of the sums hides it, not its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from pipeline.checks.drift import folding
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import STORED, Held
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.rounded import CORRECTED, reader
from pipeline.checks.drift.suspects import Suspect
from pipeline.checks.drift.weights import causes

FINE = 0.02
"""How far rounding moves the values of an integer bias, relative to them: coarser ones only the sums can judge."""

_HALF = 2.0**-10
"""Of each part of a sum of constants in 16 bits: both of its factors may be rounded."""
_SAME = 3
"""Values that are as they should be, and at least as many as are not."""


def strange(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Fine vectors that are not the reference's, in segments in which all kernels are, and none is scaled.

    Nothing is folded there, so that nothing changes them but a correction for what rounding the weights does, which
    changes most.
    """
    every, wrong = 0, []
    for cut in cuts:
        vectors = _vectors(a, b, cut)
        every += len(vectors)
        wrong += [(cut, first, second) for first, second in vectors if _apart(first, second)]
    if len(wrong) > max(1, CORRECTED * every):
        return
    for cut, first, second in wrong:
        want, got = first.values.reshape(-1), second.values.reshape(-1)
        if second.step is not None:
            step = second.step.reshape(-1)
            want = np.where(np.abs(want - got) <= 0.51 * step, got, np.rint(want / np.where(step > 0, step, 1)) * step)
        cause = next(causes(want, got), "values differ")
        off = float(np.abs(want - got).max() / np.abs(want).max(initial=1e-300))
        ours, theirs = reader(a, first.op), reader(b, second.op)
        measure = f"{int((want != got).sum())} of {want.size} values differ, by up to {off:.3g} of the largest"
        yield Suspect("weights", ours, theirs, measure, f"bias: {cause}", float(a.rank.get(cut.out.a, 0)))


def folded_in(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Biases into which an offset before their layer was folded, where most values are what that gives, and a few not.

    A norm's offset times the kernel, and the bias: one value that is off by 1 % is less than rounded sums show.
    """
    for cut in cuts:
        ours, theirs = folding.held(a, cut.ops_a), folding.held(b, cut.ops_b)
        pairs = [one for one in folding.folded(ours, theirs) if not one.partly]
        taken = {one.a.index for one in pairs}, {one.b.index for one in pairs}
        for first in (False, True):
            whole, written = (ours, theirs) if first else (theirs, ours)
            lone = [one for one in whole if _plain(one) and one.vector and one.index not in taken[not first]]
            for one in lone:
                if (found := _of_sums(one, written)) is None:
                    continue
                other, off = found
                sides = (one, other) if first else (other, one)
                measure = f"{off.sum()} of {off.size} values are not what is folded there, and the others are"
                told = reader(a, sides[0].op), reader(b, sides[1].op)
                yield Suspect("weights", *told, measure, "bias: values differ", float(a.rank.get(cut.out.a, 0)))


def _of_sums(one: Held, written: Sequence[Held]) -> tuple[Held, np.ndarray] | None:
    """(the bias that is in it, where it is not the sum) of the sum that most values are; None where all are, or few."""
    got, best = one.values.reshape(-1), None
    kernels = [each for each in written if _plain(each) and each.values.ndim == 2]
    vectors = [each for each in written if _plain(each) and each.vector]
    for kernel, offset, bias in product(kernels, vectors, vectors):
        if bias is offset or bias.values.size != got.size:
            continue
        for matrix in (kernel.values, kernel.values.T):
            if matrix.shape != (got.size, offset.values.size):
                continue
            parts = matrix * offset.values.reshape(1, -1)
            want = parts.sum(1) + bias.values.reshape(-1)
            most = np.abs(parts).sum(1) + np.abs(bias.values.reshape(-1))
            half = any(each.half for each in (one, kernel, offset, bias))
            off = np.abs(want - got) > (_HALF if half else STORED) * most
            if not off.any():
                return None
            if (~off).sum() >= max(_SAME, off.sum()) and (best is None or off.sum() < best[1].sum()):
                best = bias, off
    return best


def _plain(one: Held) -> bool:
    return one.step is None and not one.palettized


def _vectors(a: Known, b: Known, cut: Segment) -> list[tuple[Held, Held]]:
    """The vectors of both sides, one by one, where both are fine; none where anything else was changed.

    Those that are not each other's are partners where they are the only ones of their size. Integers that are each
    other's are compared as weights are.
    """
    ours, theirs = folding.held(a, cut.ops_a), folding.held(b, cut.ops_b)
    pairs = folding.folded(ours, theirs)
    plain = all((one.scale == 1).all() and not one.partly for one in pairs)
    if len(ours) != len(theirs) or not plain or not any(one.b.rounded for one in pairs if not one.b.vector):
        return []
    taken = {one.a.index for one in pairs}, {one.b.index for one in pairs}
    left = [[one for one in side if one.index not in used] for side, used in zip((ours, theirs), taken, strict=True)]
    sizes = [sorted(one.values.size for one in side if _fine(one)) for side in left]
    if sizes[0] != sizes[1] or len(set(sizes[0])) != len(left[0]) or len(left[0]) != len(left[1]):
        return []
    found = [(one.a, one.b) for one in pairs if one.b.vector and not one.b.rounded and not one.a.rounded]
    return found + [(one, next(two for two in left[1] if two.values.size == one.values.size)) for one in left[0]]


def _fine(one: Held) -> bool:
    return one.vector and (not one.rounded or (one.step is not None and one.coarseness < FINE))


def _apart(first: Held, second: Held) -> bool:
    gap = np.abs(first.values.reshape(-1) - second.values.reshape(-1))
    rounded = 0.51 * second.step.reshape(-1) if second.step is not None else 0.0
    return bool((gap - rounded).max(initial=0.0) > STORED * np.abs(first.values).max(initial=0.0))
