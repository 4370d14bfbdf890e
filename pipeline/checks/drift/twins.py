"""Partners inside a segment whose operators are the same on both sides, one by one: each is then judged alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from converters.graph import Op
from converters.reach import plain
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import STORES, working
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner, bare, best_layout


def twins(a: Known, b: Known, cuts: Iterable[Segment], pairs: Mapping[int, Partner]) -> dict[int, Partner]:
    """The pairs, by tensor of b, and those inside of `cuts` of two operators that stand one for the other.

    Values may have left what those give out without a partner, or with a copy of it that is stored anew as near.
    """
    found, holders = dict(pairs), {pair.a: index for index, pair in reversed(list(pairs.items()))}
    for cut in cuts:
        ours, theirs = working(a, cut.ops_a), working(b, cut.ops_b)
        if [_kind(op) for op in ours] != [_kind(op) for op in theirs]:
            continue
        for first, second in zip(ours, theirs, strict=True):
            for pair in _outputs(a, b, first, second):
                holder = holders.get(pair.a)
                if pair.b in found or (holder is not None and not _copied(b, holder, pair.b)):
                    continue
                if holder is not None:
                    del found[holder]
                found[pair.b], holders[pair.a] = pair, pair.b
    return found


def _copied(side: Known, index: int, source: int) -> bool:
    """Whether a tensor is nothing but another one, stored anew."""
    maker = side.maker.get(index)
    return maker is not None and maker.type in STORES and maker.inputs[0] == source and index not in side.graph.outputs


def _kind(op: Op) -> str:
    return plain(op.type.rpartition(".")[2])


def _outputs(a: Known, b: Known, first: Op, second: Op) -> Iterator[Partner]:
    for one, two in zip(first.outputs, second.outputs, strict=False):
        if one not in a.recorded or two not in b.recorded or bare(b, two) or bare(a, one):
            continue
        if a.recorded[one][0].size != b.recorded[two][0].size or {one in a.steady, two in b.steady} != {False}:
            continue
        db, layout = best_layout(a.real(one), b.real(two))
        if layout is not None:
            yield Partner(one, two, layout, db)
