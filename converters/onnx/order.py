"""The order of nodes: each behind everything that it reads, also from inside the bodies of its loops and branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx


def sort_nodes(graph: onnx.GraphProto) -> bool:
    """Puts the nodes of a graph and of its bodies in order, otherwise as they stand; returns whether that moved any.

    ONNX Runtime's own sort looks at a node's inputs only; the body of a `Loop` reads from around it too.
    """
    bodies = [body for node in graph.node for one in node.attribute for body in (one.g, *one.graphs) if body.node]
    moved = [sort_nodes(body) for body in bodies]
    maker = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    reads = [sorted({maker[name] for name in _reads(node) if name in maker}) for node in graph.node]
    order = _ordered(reads)
    if order == sorted(order):
        return any(moved)
    copies = [onnx.NodeProto.FromString(graph.node[place].SerializeToString()) for place in order]
    del graph.node[:]
    graph.node.extend(copies)
    return True


def _ordered(reads: Sequence[Sequence[int]]) -> list[int]:
    """The places of nodes, each behind those that it reads; as they stand where there is a ring, which a checker names.

    Not recursive: what each node waits for is put before it on a stack.
    """
    order: list[int] = []
    state = [0] * len(reads)  # 1: waits for what it reads, 2: placed
    for start in range(len(reads)):
        stack = [start]
        while stack:
            place = stack[-1]
            if state[place] == 2:
                stack.pop()
                continue
            open_ones = [one for one in reads[place] if state[one] != 2]
            if state[place] == 1 and any(state[one] == 1 for one in open_ones):
                return list(range(len(reads)))
            state[place] = 1
            if open_ones:
                stack += reversed(open_ones)
                continue
            state[place] = 2
            order.append(stack.pop())
    return order


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Names that a node reads, those that its bodies take from around them included."""
    yield from node.input
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            own = {name for inner in body.node for name in inner.output}
            own |= {value.name for value in (*body.input, *body.initializer)}
            outside = {name for inner in body.node for name in _reads(inner)} | {value.name for value in body.output}
            yield from outside - own
