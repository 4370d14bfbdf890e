"""Faults in what a file takes, gives out and keeps: order, names, states; for .tflite files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from benchmarks.mutation.flat import File
from benchmarks.mutation.layer import Planter, pick, shuffled


def _outputs_exchanged(file: File, rng: np.random.Generator) -> int | None:
    if len(file.graph.outputs) < 2:
        return None
    file.graph.outputs = [int(i) for i in file.graph.outputs][::-1]
    return -1


def _names_exchanged(side: str) -> Planter:
    def plant(file: File, rng: np.random.Generator) -> int | None:
        definitions = file.model.signatureDefs or []
        rows = getattr(definitions[0], side) if definitions else []
        if len(rows) < 2:
            return None
        rows[0].name, rows[1].name = rows[1].name, rows[0].name
        return -1

    return plant


def _inputs_exchanged(file: File, rng: np.random.Generator) -> int | None:
    """Two inputs of one shape, each read where the other was."""
    inputs = [int(i) for i in file.graph.inputs]
    for first, second in pairwise(inputs):
        if file.shape(first) == file.shape(second) and file.dtype(first) == file.dtype(second):
            turned = {first: second, second: first}
            for op in file.ops:
                op.inputs = [turned.get(int(i), int(i)) for i in op.inputs]
            return -1
    return None


def _same_output_twice(file: File, rng: np.random.Generator) -> int | None:
    outputs = [int(i) for i in file.graph.outputs]
    for first, second in pairwise(outputs):
        if file.shape(first) == file.shape(second) and file.dtype(first) == file.dtype(second):
            file.graph.outputs = [first if i == second else i for i in outputs]
            for definition in file.model.signatureDefs or []:
                for row in definition.outputs:
                    row.tensorIndex = first if row.tensorIndex == second else row.tensorIndex
            return -1
    return None


def _state_not_kept(file: File, rng: np.random.Generator) -> int | None:
    """A state is never written."""
    place, op = pick(file.of("ASSIGN_VARIABLE"), rng)
    if op is not None:
        file.ops.remove(op)
    return place


def _another_state(file: File, rng: np.random.Generator) -> int | None:
    """A state is read where another of its shape should be."""
    rows = list(file.of("READ_VARIABLE"))
    for place, op in shuffled(rows, rng):
        for _, other in rows:
            if other is not op and file.shape(int(op.outputs[0])) == file.shape(int(other.outputs[0])):
                op.inputs = [int(other.inputs[0])]
                return int(place)
    return None


def _labels(change: Callable[[list[bytes]], list[bytes]]) -> Planter:
    """The lines of a label file, in another order."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for name, content in file.archive.items():
            lines = content.splitlines()
            if len(lines) > 2:
                file.archive[name] = b"\n".join(change(lines)) + b"\n"
                return -1
        return None

    return plant


LABELS: dict[str, Planter] = {
    "labels shifted by one": _labels(lambda lines: [*lines[1:], lines[0]]),
    "two labels exchanged": _labels(lambda lines: [lines[1], lines[0], *lines[2:]]),
    "labels sorted": _labels(sorted),
}
"""Faults that no output shows, and every user sees."""

ENDS: dict[str, Planter] = {
    "state not kept": _state_not_kept,
    "another state read": _another_state,
    "outputs in another order": _outputs_exchanged,
    "names of outputs exchanged": _names_exchanged("outputs"),
    "names of inputs exchanged": _names_exchanged("inputs"),
    "inputs of the file exchanged": _inputs_exchanged,
    "one output given twice": _same_output_twice,
}
