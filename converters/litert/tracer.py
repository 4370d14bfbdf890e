"""Looking inside a .tflite file, on LiteRT's own kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from converters.contract import Arrays, Artifact
from converters.litert import trace
from converters.litert.graph import read_graph
from converters.tracer import Tracer, Values, between


class LiteRTTracer(Tracer):
    """The first graph of a .tflite file."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.graph = read_graph(artifact.path)

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        return trace.trace(self.artifact.path, samples, indices)

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        return trace.run_segment(self.artifact.path, between(self.graph, given, wanted), given, wanted)


def open(artifact: Artifact) -> LiteRTTracer:
    """Opens the file for looking inside; ModelError where it cannot be read."""
    return LiteRTTracer(artifact)
