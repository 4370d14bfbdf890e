"""Looking inside an .ort file: by the ONNX model that it stands for."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from converters.contract import Arrays, Artifact, Format
from converters.errors import UnsupportedError
from converters.onnx.tracer import OnnxTracer
from converters.ort import FUSED
from converters.ort.model import as_onnx
from converters.tracer import Tracer, Values


class OrtTracer(Tracer):
    """The main graph, as ONNX Runtime has optimised it, kept as an ONNX file while this lives."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        self._folder = tempfile.TemporaryDirectory(prefix="edge-export-")
        path, model = Path(self._folder.name) / "model.onnx", as_onnx(artifact.path)
        fused = sorted({n.op_type for n in model.graph.node if n.domain == "com.microsoft" and n.op_type[0] == "Q"})
        if fused:
            raise UnsupportedError(f"{', '.join(fused)}: {FUSED}")
        onnx.save(model, path)
        self._inner = OnnxTracer(dataclasses.replace(artifact, path=path, format=Format.ONNX))
        self.graph = dataclasses.replace(self._inner.graph, format=Format.ORT)

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        return self._inner.trace(samples, indices)

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        return self._inner.run(given, wanted)


def open(artifact: Artifact) -> OrtTracer:
    """Opens the file for looking inside.

    Raises:
        ModelError: it cannot be read.
        UnsupportedError: its operators are fused with their quantization.
    """
    return OrtTracer(artifact)
