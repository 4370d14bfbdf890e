"""The steps of a recurrence that is written out beside each other: the operator of one that is not as in the others.

A reference that holds the recurrence as one operator shows no value between its steps, and 8 bits hide much over so
many. The steps are copies of each other: they read one kernel, and what stands around it is the same in all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.net import COMMUTATIVE

FEWEST = 5
"""Steps that say what they have in common."""
MOST = 0.6
"""Of the steps: what so many have, all should."""
_WEIGHTS = 16
_WIDE = 4
"""Inputs: an operator of more gathers what all steps give."""

Row = tuple[Op | None, ...]
Key = tuple[object, ...]


class How(StrEnum):
    """What became of an operator that the other steps have."""

    REPLACED = "replaced"
    PUT_IN = "another one is put in before or behind it"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Odd:
    """Operator `op` of one step stands where the others have operators like `like`, of another step."""

    op: Op
    like: Op
    how: How


def odd(side: Known) -> list[Odd]:
    """The operators that are not as in the other steps, each once, in the order of computation."""
    found: dict[int, Odd] = {}
    for anchors in _anchors(side):
        for one in _walked(side, anchors):
            found.setdefault(one.op.index, one)
    return [found[index] for index in sorted(found)]


def _anchors(side: Known) -> Iterator[list[Op]]:
    """The operators that read one kernel, step by step."""
    groups: dict[tuple[str, bytes], list[Op]] = defaultdict(list)
    for op in side.graph.ops:
        if side.steady.issuperset(op.outputs):
            continue
        for index in op.inputs:
            kernel = _constant(side, index)
            if kernel is not None and kernel.size >= _WEIGHTS and sum(size > 1 for size in kernel.shape) > 1:
                groups[op.type, kernel.tobytes()].append(op)
    for group in groups.values():
        steps = list({op.index: op for op in group}.values())
        if len(steps) >= FEWEST:
            yield steps


def _constant(side: Known, index: int) -> np.ndarray | None:
    """A constant, or what is computed of constants."""
    if index < 0:
        return None
    data = side.graph.tensors[index].data
    return side.recorded[index][0] if data is None and index in side.steady and index in side.recorded else data


def _walked(side: Known, anchors: Sequence[Op]) -> Iterator[Odd]:
    """From operators that stand one for the other to those before and behind them, as far as most steps have them."""
    known = {op.index for op in anchors}
    todo: list[Row] = [tuple(anchors)]
    seen: set[tuple[int, ...]] = set()
    while todo:
        row = todo.pop()
        for behind in (True, False):
            beside = [_beside(side, op, behind) if op is not None else {} for op in row]
            # behind the last step, and before the first one, stands something else
            inner = [n for n in range(len(row) - behind) if row[n] is not None and (behind or n > 0)]
            counts = Counter(key for n in inner for key in beside[n])
            common = {key: None for key, count in counts.items() if count >= max(MOST * len(row), 2)}
            for key in common:
                put = tuple(ops.get(key) for ops in beside)
                having = tuple(op.index for op in put if op is not None)
                if len({*having}) < len(having) or known.intersection(having):
                    continue
                for op, like in _odd_ones(inner, beside, common, key):
                    if (how := _how(side, op, like)) is not None:
                        yield Odd(op, like, how)
                if having not in seen:
                    seen.add(having)
                    todo.append(put)


def _odd_ones(
    inner: Sequence[int], beside: Sequence[dict[Key, Op]], common: Collection[Key], key: Key
) -> Iterator[tuple[Op, Op]]:
    """(the operator of a step that stands there instead, one of those of the key) for steps without the key."""
    like = next(beside[n][key] for n in inner if key in beside[n])
    there = [n for n, ops in enumerate(beside) if ops]
    ends = there[0], there[-1]
    for n in inner:
        others = [op for other, op in beside[n].items() if other not in common]
        folded = n in ends and others and others[0].type != like.type  # where the state is nothing yet
        if key not in beside[n] and len(others) == 1 and not folded:
            yield others[0], like


def _how(side: Known, op: Op, like: Op) -> How | None:
    """How an operator comes to stand where others have one like `like`; None where more than one was changed."""
    before, behind = ([_kinds(side, one, down) for one in (op, like)] for down in (False, True))
    own, other = kind(side, op), kind(side, like)
    if before[0] == before[1] and (behind[0] == behind[1] or own[:2] == other[:2]):
        return How.REPLACED
    if (other in behind[0] and before[0] <= before[1]) or (other in before[0] and behind[0] <= behind[1]):
        return How.PUT_IN
    if (own in behind[1] and before[0] & before[1]) or (own in before[1] and behind[0] & behind[1]):
        return How.SKIPPED
    return None


def _kinds(side: Known, op: Op, behind: bool) -> frozenset[Key]:
    """Of what kinds the operators behind or before one are."""
    return frozenset(kind(side, other) for other in _beside(side, op, behind).values())


def _beside(side: Known, op: Op, behind: bool) -> dict[Key, Op]:
    """The readers of what an operator gives out, or the makers of what it takes, by what they are."""
    found: dict[Key, Op] = {}
    indices = op.outputs if behind else op.inputs
    for place, index in enumerate(indices):
        if index < 0 or _constant(side, index) is not None:
            continue
        others = side.readers.get(index, []) if behind else [side.maker[index]] if index in side.maker else []
        lone = not behind and op.type in COMMUTATIVE
        for other in others:
            key = (0 if lone else place, *kind(side, other))
            while key in found:
                key = (*key, "again")
            found[key] = other
    return found


def kind(side: Known, op: Op) -> Key:
    """What an operator is: its type, its attributes, and which of its inputs are constants, with whole numbers."""
    computed = [index for index in op.inputs if index >= 0 and _constant(side, index) is None]
    if len(computed) > _WIDE:
        return (op.type,)
    held = []
    for index in op.inputs:
        data = _constant(side, index)
        whole = data is not None and data.dtype.kind in "iu" and side.graph.tensors[index].quantization is None
        held.append("" if data is None else data.tobytes() if whole else data.shape)
    attributes = tuple(sorted((name, repr(value)) for name, value in op.attributes.items()))
    return op.type, attributes, tuple(sorted(map(repr, held)) if op.type in COMMUTATIVE else map(repr, held))
