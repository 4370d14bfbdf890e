"""Which operators a delegate takes of a graph: TensorFlow Lite's own partitioning, repeated on the file.

Supported neighbours form a run; the GPU delegate takes the largest run alone. As in `tensorflow/lite/graph_info.cc`
(PartitionGraphIntoIndependentNodeSubsets) and `tensorflow/lite/delegates/utils.cc` (GraphPartitionHelper).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from converters.litert.flatbuffer import Model

CONTROL_FLOW = ("IF", "WHILE", "CALL_ONCE")


@dataclass(frozen=True)
class Node:
    """One operator: tensors by index; `ordered` where it must keep its place among its kind (variables, branches)."""

    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ordered: bool
    folded: bool  # makes a float32 constant of a float16 one, which a delegate that takes the whole graph reads itself


def nodes_of(model: Model, graph: Any) -> list[Node]:
    """The operators of a subgraph, in the file's order."""
    tensors = list(model.items(graph, "Tensors"))
    dtypes = [model.dtype(tensor) for tensor in tensors]

    def node(op: Any) -> Node:
        type = model.op_type(op)
        inputs = tuple(int(index) for index in model.items(op, "Inputs") if index >= 0)
        outputs = tuple(int(index) for index in model.items(op, "Outputs"))
        resource = any(dtypes[index] == "resource" for index in (*inputs, *outputs))
        half = type == "DEQUANTIZE" and dtypes[inputs[0]] == "float16"
        folded = half and model.constant(tensors[inputs[0]]) is not None
        return Node(type, inputs, outputs, resource or type in CONTROL_FLOW, folded)

    return [node(op) for op in model.items(graph, "Operators")]


def taken(nodes: Sequence[Node], refused: Collection[int]) -> set[int]:
    """Places of the operators that a delegate takes when it refuses those at `refused`.

    All where it refuses none, else the largest run of supported ones: float16 constants that are made float32 are
    then left to the CPU, too.
    """
    if not refused:
        return set(range(len(nodes)))
    left = set(refused) | {place for place, node in enumerate(nodes) if node.folded}
    runs = [run for supported, run in _runs(nodes, left) if supported]
    longest: list[int] = max(runs, key=len, default=[])
    return set(longest)


def _runs(nodes: Sequence[Node], refused: Collection[int]) -> list[tuple[bool, list[int]]]:
    """(whether supported, places) of each run, in the order in which they are executed."""
    made = {index for node in nodes for index in node.outputs}
    ready = {index for node in nodes for index in node.inputs} - made
    ordered = [place for place, node in enumerate(nodes) if node.ordered]
    before = dict(zip(ordered[1:], ordered, strict=False))
    waiting, done = list(range(len(nodes))), set[int]()
    runs: list[tuple[bool, list[int]]] = []
    while waiting:
        run: list[int] = []
        supported = None
        grown = True
        while grown:
            grown = False
            for place in tuple(waiting):
                node = nodes[place]
                if not ready.issuperset(node.inputs) or before.get(place, place) not in done | {place}:
                    continue
                if supported is None:
                    supported = place not in refused
                if supported == (place not in refused):
                    run.append(place)
                    waiting.remove(place)
                    done.add(place)
                    ready.update(node.outputs)
                    grown = True
        if not run:  # a cycle: the file is damaged, and nothing more can run
            break
        runs.append((bool(supported), run))
    return runs
