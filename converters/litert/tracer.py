"""Looking inside a .tflite file, on LiteRT's own kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np

from converters.contract import Arrays, Artifact
from converters.errors import UnsupportedError
from converters.graph import Op
from converters.litert import flatbuffer, trace
from converters.litert.graph import read_graph
from converters.tracer import Tracer, Values, between


class LiteRTTracer(Tracer):
    """The first graph of a .tflite file."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.graph = read_graph(artifact.path)
        self._custom = {op.index for op in self.graph.ops if not hasattr(flatbuffer.tables().BuiltinOperator, op.type)}

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        if not self._custom:
            return trace.trace(self.artifact.path, samples, indices)
        rows = list(samples)
        ends = zip(self.graph.inputs, self.graph.input_names, strict=True)
        given = {index: np.stack([row[name] for row in rows]) for index, name in ends}
        seen = [index for index in indices if self._computed(given, index)]
        found = self._part_by_part(between(self.graph, given, seen), given, seen, leave_out=True)
        return {index: values for index in indices if (values := found.get(index, given.get(index))) is not None}

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        operators = between(self.graph, given, wanted)
        if not any(op.index in self._custom for op in operators):
            return trace.run_segment(self.artifact.path, operators, given, wanted)
        return self._part_by_part(operators, given, wanted)

    def _part_by_part(
        self,
        operators: Sequence[Op],
        given: Mapping[int, np.ndarray],
        wanted: Sequence[int],
        leave_out: bool = False,
    ) -> Values:
        """As `run`. LiteRT's kernels know no custom operators, a delegate may: XNNPACK takes some that MediaPipe has.

        So they run in parts of their own, and nothing else is left to the delegate, which shows no values inside. With
        `leave_out` what cannot be run is not there.
        """
        found, moving = dict(given), set(given)
        for op in operators:
            moving |= set(op.outputs) if moving.intersection(op.inputs) else set()
        parts = [(custom, list(part)) for custom, part in groupby(operators, lambda op: op.index in self._custom)]
        for number, (custom, part) in enumerate(parts):
            read = {index for _, later in parts[number + 1 :] for op in later for index in op.inputs} & moving
            ends = [index for op in part for index in op.outputs if index in read or index in wanted]
            starts = {index: found[index] for op in part for index in op.inputs if index in found and index in moving}
            try:
                pieces = between(self.graph, starts, ends)
                found |= trace.run_segment(self.artifact.path, pieces, starts, ends, delegates=custom)
            except UnsupportedError:
                if not leave_out:
                    raise
        return {index: found[index] for index in wanted if index in found}

    def _computed(self, given: Mapping[int, np.ndarray], index: int) -> bool:
        """Whether a tensor is computed from the inputs alone."""
        try:
            return index not in given and bool(between(self.graph, given, [index]))
        except UnsupportedError:
            return False


def open(artifact: Artifact) -> LiteRTTracer:
    """Opens the file for looking inside; ModelError where it cannot be read."""
    return LiteRTTracer(artifact)
