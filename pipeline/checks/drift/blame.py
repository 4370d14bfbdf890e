"""Which operator of a segment it is that differs: the first behind which the reference's result is out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.matching import best_layout

SHARE = 1e-4
"""Of the range of what should come out: less is rounding."""


def blamed(ops: Sequence[Op], inside: Mapping[int, np.ndarray], want: np.ndarray) -> Op | None:
    """The operator of a segment that is to blame, by what its tensors hold alone; None where nothing tells.

    Args:
        ops: in the order of computation.
        inside: real values, (rows, *shape), of the segment's tensors, run alone.
        want: what should come out, (rows, *shape) in any layout of the same size.

    As long as `want` rises with an operator's values, an activation behind it may still make the one of the other. The
    first operator without that is to blame; else the last that changes values.
    """
    active = [op for op in ops if op.outputs and op.outputs[0] in inside and not _passive(op, inside)]
    comparable = [op for op in active if inside[op.outputs[0]][0].size == want[0].size]
    if not comparable or comparable != active[-len(comparable) :]:
        return None
    for op in comparable:
        if not _rises(inside[op.outputs[0]], want):
            return op if len(comparable) < len(active) or op is not comparable[0] or len(active) == 1 else None
    return comparable[-1]


def _passive(op: Op, inside: Mapping[int, np.ndarray]) -> bool:
    """Whether an operator gives out the values that it takes."""
    taken = [inside[index] for index in op.inputs if index in inside]
    made = np.sort(inside[op.outputs[0]], axis=None)
    return any(one.size == made.size and np.array_equal(np.sort(one, axis=None), made) for one in taken)


def _rises(values: np.ndarray, want: np.ndarray) -> bool:
    """Whether `want` is the same or more wherever `values` are more, and the same where they are the same."""
    _, layout = best_layout(want, values)
    if layout is None:
        return False
    x, y = layout.back(values).reshape(-1), want.reshape(-1)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    room = SHARE * (float(np.ptp(y)) or 1.0)
    falls = np.maximum.accumulate(y) - y
    same = np.diff(x) == 0
    return bool(falls.max(initial=0.0) <= room and np.diff(y)[same].max(initial=0.0) <= room)
