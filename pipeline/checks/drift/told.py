"""What is said of a segment that is not the reference's: the layer, both sides, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converters.graph import Op
from pipeline.checks.drift.blame import Blame
from pipeline.checks.drift.cuts import Segment, behind
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.suspects import Side, Suspect

BETWEEN = frozenset(
    ("QUANTIZE", "DEQUANTIZE", "CAST", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast")
)
"""Operators between number types: what stands between them is the layer."""


def tight(a: Known, b: Known, cut: Segment, found: Nearness, pairs: Mapping[int, Partner]) -> Segment:
    """A segment that differs on recorded values, from the nearest known tensors on: those hold the reference's."""
    partners = {pair.a: index for index, pair in pairs.items() if index != cut.out.b}
    ops_a, hit_a, fixed_a = behind(a, (cut.out.a,), partners.__contains__)
    ops_b, hit_b, fixed_b = behind(b, (cut.out.b,), (set(pairs) - {cut.out.b}).__contains__)
    if not found.real or ops_a is None or not ops_b:
        return cut
    given = {index: pairs[index] for index in sorted(hit_b | {partners[index] for index in hit_a})}
    return Segment(cut.out, tuple(given.values()), ops_a, ops_b, fixed_a, fixed_b)


def suspect(a: Known, b: Known, cut: Segment, found: Nearness, blame: Blame) -> Suspect:
    """The suspect that a segment is; `blame` says which operator differs, where that is known."""
    cause = f"{_types(cut.ops_b)} does not give what {_types(cut.ops_a)} gives for the same values"
    cause = f"{blame.cause}: {cause}" if blame.cause else cause
    order = float(a.rank.get(cut.out.a, 0))
    ours, theirs = ((op,) if op else ops for op, ops in ((blame.a, cut.ops_a), (blame.b, cut.ops_b)))
    return Suspect("segment", _side(a, ours), _side(b, theirs), found.said(), cause, order)


def _types(ops: Sequence[Op]) -> str:
    return " + ".join(op.type for op in ops[-4:]) or "nothing"


def _side(side: Known, ops: Sequence[Op]) -> Side:
    """A segment by its main operator: the one with the most constants, else the last."""
    computing = [op for op in ops if any(_computed(side, index) for index in op.inputs)] or list(ops)
    if not computing:
        return Side(None, "")
    computing = [op for op in computing if op.type not in BETWEEN] or computing
    main = max(reversed(computing), key=lambda op: _held(side, op))
    return Side(main.index, main.type, tuple(side.graph.tensors[index].name for index in main.outputs))


def _computed(side: Known, index: int) -> bool:
    return index >= 0 and not side.graph.tensors[index].constant and index not in side.steady


def _held(side: Known, op: Op) -> int:
    """How many constant values an operator reads, computed ones too."""
    sizes = []
    for index in op.inputs:
        if index >= 0 and not _computed(side, index):
            data = side.graph.tensors[index].data
            sizes.append(
                data.size if data is not None else side.recorded[index][0].size if index in side.recorded else 0
            )
    return sum(sizes)


def coverage(a: Known, b: Known, results: Mapping[Segment, Nearness | None]) -> dict[str, float | int | None]:
    """Shares of both sides' operators that lie in a segment, and in one that was run alone and agrees."""
    run = [cut for cut, found in results.items() if found is not None]
    proved = [cut for cut, found in results.items() if found is not None and found.agrees]
    return {
        "ops": len(a.graph.ops),
        "ops_aligned": _share(a, [op for cut in results for op in cut.ops_a]),
        "weights_compared": None,
        "ops_isolated": len({op.index for cut in run for op in cut.ops_a}),
        "proved_a": _share(a, [op for cut in proved for op in cut.ops_a]),
        "proved_b": _share(b, [op for cut in proved for op in cut.ops_b]),
    }


def _share(side: Known, ops: Sequence[Op]) -> float | None:
    """Of the operators that an output needs and samples change."""
    wanted = {op.index for op in side.graph.ops if any(i in side.live and i not in side.steady for i in op.outputs)}
    return len(wanted & {op.index for op in ops}) / len(wanted) if wanted else None
