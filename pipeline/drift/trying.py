"""Which operator it is, by trial: the one in whose place another one, or another constant, makes the segment right."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Op
from pipeline.checks.drift import folding, stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.instead import alternatives, constants
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.told import BETWEEN
from pipeline.checks.drift.values import real
from pipeline.drift.alone import Alone, Piece

MOST_OPS, MOST_TRIALS = 16, 400
"""Operators of a segment, from its start on, in whose place others are tried, and how often."""
MOST_VALUES = 100_000_000
"""Computed in all trials of a segment: fewer of them where it is large."""
MENDED = 0.2
"""Of the error that is there: what a trial on a few rows must leave to be tried on all."""
DECIDED = 0.01
"""Of the error that is there, and of what any other operator's trial leaves: so little decides by itself."""
EQUAL = 1e-6
"""Of an error: trials that leave the same to this do the same."""
MOST_AGAIN = 6
SURELY = 0.5
"""Of the excess of the next best operator's trial: what the best one must have to be believed."""
_FEW = 16
"""Values of a constant in more than one axis: from here on its operator is a layer, and no other one's place."""


@dataclass(frozen=True)
class Trial:
    """Real values `given` to tensors of b in the place of what `op` gives out, or reads; `words` say what they are."""

    op: Op
    words: str
    given: Mapping[int, np.ndarray]

    @property
    def cause(self) -> str:
        """In words."""
        return f"{self.op.type} is not what it should be: right with {self.words}"


def inside(file: Artifact, alone: Alone, side: Known, ops: Sequence[Op], piece: Piece) -> dict[int, np.ndarray]:
    """Real values of all that a segment computes, by index; its starts among them."""
    given, _ = piece
    made = tuple(index for op in ops for index in op.outputs if index not in side.steady)
    found: object = {}
    if made:
        (found,) = alone.work.ask(file, "run_many", pieces=[(given, made)])
    if isinstance(found, EdgeExportError) or not isinstance(found, Mapping):
        return {}
    return {index: real(values, side.graph.tensors[index]) for index, values in {**given, **found}.items()}


def tried(alone: Alone, cut: Segment, values: Mapping[int, np.ndarray]) -> Trial | None:
    """The one operator of b in whose place something else makes the segment agree; None where none or several do.

    Args:
        alone: runs both sides.
        cut: a segment that does not agree.
        values: real values of b's tensors there, (rows, *shape), by index; the starts among them.
    """
    rows, want = alone.values(cut), alone.wanted(cut)
    if cut.out.b not in values or not cut.out.layout.fits or want is None:
        return None
    few = sorted({0, rows.recorded - 1, rows.count - 1})
    start = _apart(cut, want[few], values[cut.out.b][few])
    size = sum(alone.b.recorded[i][0].size for op in cut.ops_b for i in op.outputs if i in alone.b.recorded)
    most = int(np.clip(MOST_VALUES / max(size * len(few), 1), 0, MOST_TRIALS))
    trials = list(itertools.islice(trials_of(alone.a, alone.b, cut, values), most))
    short = _together(alone, [_piece(alone, cut, one, values, few) for one in trials])
    tensor = alone.b.graph.tensors[cut.out.b]
    gaps = [_apart(cut, want[few], real(made, tensor)) if made is not None else np.inf for made in short]
    ranks = [int(n) for n in np.argsort(gaps, kind="stable") if gaps[n] <= MENDED * start]
    chosen = [trials[n] for n in ranks[:MOST_AGAIN]]
    found = alone.judge(cut, [_piece(alone, cut, one, values, list(range(rows.count))) for one in chosen])
    right = [
        Right(one.excess, gaps[n], trials[n])
        for one, n in zip(found, ranks, strict=False)
        if one is not None and one.agrees
    ]
    if not right:  # behind many roundings nothing does: one that leaves next to nothing, as no other operator's does
        others = [gaps[n] for n, one in enumerate(trials) if chosen and one.op.index != chosen[0].op.index]
        alone_right = chosen and gaps[ranks[0]] <= DECIDED * min([start, *others])
        return chosen[0] if alone_right else None
    return _decided(alone.b, right)


@dataclass(frozen=True)
class Right:
    """A trial with which the segment agrees, by how much, and the square error on a few rows."""

    excess: float
    gap: float
    trial: Trial


def _decided(side: Known, right: Sequence[Right]) -> Trial | None:
    """The trial of an operator whose trials leave clearly less than others'; None where none does.

    The subtraction the other way round does the same as the addition behind it made a subtraction: then it is the
    operator that is unlike all others of the file.
    """
    best = min(right, key=lambda one: (one.excess, one.gap))
    others = [one for one in right if one.trial.op.index != best.trial.op.index]
    if all(best.excess <= SURELY * other.excess for other in others):
        return best.trial
    best = min(right, key=lambda one: (one.gap, one.excess))
    others = [one for one in right if one.trial.op.index != best.trial.op.index]
    rest = [other for other in others if best.gap > SURELY * other.gap]
    if any(other.gap > best.gap * (1 + EQUAL) for other in rest):
        return None
    kinds = Counter(_kind(side, op) for op in side.graph.ops)
    ranked = sorted((best, *rest), key=lambda one: kinds[_kind(side, one.trial.op)])
    odd = len(ranked) == 1 or kinds[_kind(side, ranked[0].trial.op)] < kinds[_kind(side, ranked[1].trial.op)]
    return ranked[0].trial if odd else None


def _kind(side: Known, op: Op) -> tuple[object, ...]:
    """What an operator has in common with others: its type and attributes, and which of its inputs are constants."""
    held = tuple(index < 0 or side.graph.tensors[index].constant for index in op.inputs)
    return op.type, held, tuple(sorted((name, repr(value)) for name, value in op.attributes.items()))


def _together(alone: Alone, pieces: Sequence[Piece]) -> list[np.ndarray | None]:
    """The values of each piece; those that are given the same tensors run as one, which is opened once."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, (given, _) in enumerate(pieces):
        groups.setdefault(tuple(sorted(given)), []).append(number)
    whole: list[Piece] = []
    for keys, members in groups.items():
        rows = {i: np.concatenate([pieces[number][0][i] for number in members]) for i in keys}
        whole.append((rows, pieces[members[0]][1]))
    found: list[np.ndarray | None] = [None] * len(pieces)
    for members, made in zip(groups.values(), alone.asked(alone.work.b, whole), strict=True):
        parts = np.split(made, len(members)) if made is not None and len(made) % len(members) == 0 else []
        for number, part in zip(members, parts, strict=False):
            found[number] = part
    return found


def trials_of(a: Known, b: Known, cut: Segment, values: Mapping[int, np.ndarray]) -> Iterator[Trial]:
    """Every trial, operator by operator in b's order of computation."""
    most = max(int(np.prod(cut.out.layout.shape_a)), _FEW)
    numbers = [one.values for one in folding.held(a, cut.ops_a, 1) if one.values.size <= most]
    numbers += [np.array(value) for op in cut.ops_a for value in op.attributes.values() if isinstance(value, float)]
    for op in [op for op in cut.ops_b if not b.steady.issuperset(op.outputs)][:MOST_OPS]:
        if len(op.outputs) != 1 or op.outputs[0] not in values or op.type in BETWEEN:
            continue
        for words, index, changed in constants(b, op, numbers):
            yield Trial(op, f"a constant {words}", {index: changed})
        taken = [_taken(b, index, values) for index in op.inputs if index >= 0]
        known = [one for one in taken if one is not None]
        if len(known) == len(taken) and not any(_layer(b, index) for index in op.inputs):
            made, flags = values[op.outputs[0]], b.dtype(op.outputs[0]).kind == "b"
            yield from (Trial(op, words, {op.outputs[0]: v}) for words, v in alternatives(op, known, made, flags))


def _layer(side: Known, index: int) -> bool:
    data = side.graph.tensors[index].data if index >= 0 else None
    return data is not None and data.size > _FEW and sum(size > 1 for size in data.shape) > 1


def _taken(side: Known, index: int, values: Mapping[int, np.ndarray]) -> np.ndarray | None:
    """What an operator takes, (rows, *shape); of a constant (1, *shape)."""
    if index in values:
        return values[index]
    tensor = side.graph.tensors[index]
    if tensor.data is not None:
        return tensor.real()[None] if tensor.data.dtype.kind in "fiub" else None
    return side.real(index)[:1] if index in side.steady and index in side.recorded else None


def _piece(alone: Alone, cut: Segment, trial: Trial, values: Mapping[int, np.ndarray], rows: list[int]) -> Piece:
    """The segment of b with what the trial gives it, and what lies beside it as it was."""
    b, end = alone.b, cut.out.b
    (made,) = trial.op.outputs
    beside = {i: v[rows] for i, v in values.items() if not b.before[i] >> b.rank[made] & 1}
    put = {i: v[rows] if i == made else np.repeat(v[None], len(rows), axis=0) for i, v in trial.given.items()}
    kept = b.needed(end, {**beside, **put})
    return {i: stress.stored(v, b.graph.tensors[i], b.dtype(i)) for i, v in kept.items()}, (end,)


def _apart(cut: Segment, want: np.ndarray, got: np.ndarray) -> float:
    """The square error of b's real values; infinite where one is not finite and should be, or sizes differ."""
    if got[0].size != want[0].size:
        return float("inf")
    with np.errstate(all="ignore"):
        gap = np.abs(cut.out.layout.back(got.astype(np.float64)) - want) / (np.abs(want).max() or 1.0)
    fine = np.isfinite(want)
    return float(np.square(gap[fine]).sum()) if np.isfinite(gap[fine]).all() else float("inf")
