"""The verdict on a pair of files: any suspect that nothing has cleared fails it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from converters.graph import Graph
from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.outcome import Outcome


def judged(found: Iterable[Suspect]) -> tuple[Outcome, tuple[Suspect, ...]]:
    """(outcome, suspects in the order of computation, each layer's of one kind once)."""
    once = {(s.kind, s.a.op_index, s.b.op_index, s.cause): s for s in found}
    suspects = tuple(sorted(once.values(), key=lambda suspect: suspect.order))
    return (Outcome.FAILED if suspects else Outcome.PASSED), suspects


def declared(found: Drift, graph: Graph, kept: Collection[str]) -> Drift:
    """What was found without operators in float that the recipe of the second file, `graph`, leaves there.

    `kept` names what they give out.
    """
    names = set(kept)
    known = {op.index for op in graph.ops if any(graph.tensors[index].name in names for index in op.outputs)}
    outcome, suspects = judged(s for s in found.suspects if not (s.kind == "float" and s.b.op_index in known))
    return replace(found, outcome=outcome, suspects=suspects) if len(suspects) < len(found.suspects) else found


def coverage(pairs: Pairs, isolated: int) -> dict[str, float | int | None]:
    """Shares of the reference's operators that have a partner, of constants compared, and operators run alone."""
    nodes = len(pairs.a.nodes)
    held = {
        n: sum(int(t.data.size) for t in pairs.a.constants(node) if t.data is not None)
        for n, node in enumerate(pairs.a.nodes)
    }
    total = sum(held.values())
    return {
        "ops": nodes,
        "ops_aligned": len(pairs.to_b) / nodes if nodes else None,
        "weights_compared": sum(held[n] for n in pairs.to_b) / total if total else None,
        "ops_isolated": isolated,
    }


def notes_differ(a: Graph, b: Graph) -> Iterator[Suspect]:
    """Suspects in what both files carry beside the graph: label files, metadata with the preprocessing."""
    for name in sorted(a.notes.keys() & b.notes.keys()):
        ours, theirs = a.notes[name], b.notes[name]
        if ours == theirs or name == "opset":  # an operator of a later one, as a palette, asks for that
            continue
        cause = "the metadata (preprocessing, ranges) differs"
        measure = f"{len(ours)} bytes became {len(theirs)}"
        if ours.isascii() and theirs.isascii():
            lines = ours.split(), theirs.split()
            same = sorted(lines[0]) == sorted(lines[1])
            cause = f"{name} has its lines in another order" if same else f"{name} has other lines"
            measure = f"{sum(x != y for x, y in zip(*lines, strict=False))} of {len(lines[0])} words differ"
        yield Suspect("notes", Side(None, name), Side(None, name), measure, cause, float("inf"))
