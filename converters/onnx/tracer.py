"""Looking inside an ONNX file, by ONNX Runtime with the graph as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact
from converters.onnx import bodies, trace
from converters.onnx.graph import read_graph
from converters.tracer import Seen, Tracer, Values, between


class OnnxTracer(Tracer):
    """The main graph of an ONNX file."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self.graph = read_graph(artifact.path)

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        return trace.trace(self.artifact.path, samples, indices)

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        return trace.run_segment(self.artifact.path, between(self.graph, given, wanted), given, wanted)

    def bodies(self, place: int, folder: Path, seen: Mapping[int, Seen]) -> dict[str, Path]:
        """As `Tracer.bodies`."""
        return bodies.write(self.artifact.path, place, folder, seen)


def open(artifact: Artifact) -> OnnxTracer:
    """Opens the file for looking inside; ModelError where it cannot be read."""
    return OnnxTracer(artifact)
