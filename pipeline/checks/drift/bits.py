"""The one constant of a file of 16 bits that is not the reference's to the last bit, where every other one is."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.parameters import brief, read_by, side
from pipeline.checks.drift.suspects import Suspect

_MANY, _MANY_CONSTANTS = 8, 3
"""Values of a constant, and constants of a file, from which on one that differs alone tells something."""


def odd(pairs: Pairs) -> Iterator[Suspect]:
    """A suspect for it, and none where several differ: a file made anew may round some values of many otherwise."""
    if pairs.bridged or not len(pairs.to_b) == len(pairs.a.nodes) == len(pairs.b.nodes):
        return
    count, found = 0, []
    for in_a, in_b in sorted(pairs.to_b.items()):
        one, two = pairs.a.nodes[in_a], pairs.b.nodes[in_b]
        for ours, theirs in zip(read_by(pairs.a, one, one.type), read_by(pairs.b, two, one.type), strict=False):
            held = [tensor.data for tensor in (ours, theirs) if tensor is not None and tensor.dtype == "float16"]
            first, second = held if len(held) == 2 else (None, None)
            if first is None or second is None or first.shape != second.shape or first.size < _MANY:
                continue
            count += 1
            if first.tobytes() != second.tobytes():
                sides = side(pairs.a, one, brief(ours)), side(pairs.b, two, brief(theirs))
                measure = f"{int((first != second).sum())} of {first.size} values differ, and no other constant does"
                found.append(Suspect("weights", *sides, measure, "values differ by their last bits", in_a))
    if len(found) == 1 and count > _MANY_CONSTANTS:
        yield found[0]
