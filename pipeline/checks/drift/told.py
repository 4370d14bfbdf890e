"""What is said of a segment that is not the reference's: the layer, both sides, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from converters.graph import Graph, Op
from pipeline.checks.drift.cuts import Segment, behind
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness
from pipeline.checks.drift.suspects import Side, Suspect


def suspect(a: Known, b: Known, cut: Segment, found: Nearness, pairs: Mapping[int, Partner]) -> Suspect:
    """The suspect that a segment is; where recorded values show it, of what lies behind the nearest known tensors."""
    if found.real:
        partners = {pair.a for pair in pairs.values() if pair.b != cut.out.b}
        ops_a, *_ = behind(a, cut.out.a, partners)
        ops_b, *_ = behind(b, cut.out.b, set(pairs) - {cut.out.b})
        if ops_a is not None and ops_b:
            cut = replace(cut, ops_a=ops_a, ops_b=ops_b)
    cause = f"{_types(cut.ops_b)} does not give what {_types(cut.ops_a)} gives for the same values"
    order = float(a.rank.get(cut.out.a, 0))
    return Suspect("segment", _side(a.graph, cut.ops_a), _side(b.graph, cut.ops_b), found.said(), cause, order)


def _types(ops: Sequence[Op]) -> str:
    return " + ".join(op.type for op in ops[-4:]) or "nothing"


def _side(graph: Graph, ops: Sequence[Op]) -> Side:
    """A segment by its main operator: the one with the most constants, else the last."""
    if not ops:
        return Side(None, "")
    main = max(reversed(ops), key=lambda op: _held(graph, op))
    return Side(main.index, main.type, tuple(graph.tensors[index].name for index in main.outputs))


def _held(graph: Graph, op: Op) -> int:
    tensors = (graph.tensors[index] for index in op.inputs if index >= 0)
    return sum(tensor.data.size for tensor in tensors if tensor.data is not None)


def coverage(a: Known, b: Known, results: Mapping[Segment, Nearness | None]) -> dict[str, float | int | None]:
    """Shares of both sides' operators that lie in a segment, and in one that was run alone and agrees."""
    run = [cut for cut, found in results.items() if found is not None]
    proved = [cut for cut, found in results.items() if found is not None and found.agrees]
    return {
        "ops": len(a.graph.ops),
        "ops_aligned": _share(a.graph, [op for cut in results for op in cut.ops_a]),
        "weights_compared": None,
        "ops_isolated": len({op.index for cut in run for op in cut.ops_a}),
        "proved_a": _share(a.graph, [op for cut in proved for op in cut.ops_a]),
        "proved_b": _share(b.graph, [op for cut in proved for op in cut.ops_b]),
    }


def _share(graph: Graph, ops: Sequence[Op]) -> float | None:
    return len({op.index for op in ops}) / len(graph.ops) if graph.ops else None
