"""Looking inside a PyTorch model: its exported program, operator by operator, on PyTorch's own CPU kernels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from converters import source
from converters.contract import Arrays, Artifact
from converters.errors import UnsupportedError
from converters.torch_export.program import Program, array
from converters.tracer import Tracer, Values, between
from converters.words import last_words


class TorchTracer(Tracer):
    """An exported program."""

    def __init__(self, artifact: Artifact, program: Program) -> None:
        super().__init__(artifact)
        self.graph = program.graph
        self._program = program

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        graph = self.graph
        rows = []
        for sample in samples:
            named = dict(zip(graph.input_names, graph.inputs, strict=True))
            given = {named[name]: self._program.tensor(named[name], values) for name, values in sample.items()}
            found = self._program.compute(graph.ops, given, indices)
            rows.append({index: array(value) for index, value in found.items()})
        kept = [index for index in indices if rows and all(index in row for row in rows)]
        return {
            index: np.stack([row[index] for row in rows])
            for index in kept
            if len({row[index].shape for row in rows}) == 1
        }

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        ops = between(self.graph, given, wanted)
        rows = []
        for number in range(len(next(iter(given.values())))):
            sample = {index: self._program.tensor(index, values[number]) for index, values in given.items()}
            rows.append(self._program.compute(ops, sample, wanted))
        return {index: np.stack([array(row[index]) for row in rows]) for index in wanted}


def open(artifact: Artifact) -> TorchTracer:
    """Builds the model and exports it, with a batch of one where the batch is open.

    Raises:
        ModelError: the builder or the weights cannot be used.
        UnsupportedError: torch.export cannot make a graph of the model.
    """
    signature = artifact.signature
    program = export(source.torch_wrapper(dataclasses.replace(artifact, source=signature), as_tuple=True), artifact)
    names = [spec.name for spec in signature.inputs], [spec.name for spec in signature.outputs]
    return TorchTracer(artifact, Program(program, artifact.format, *names))


def export(model: Any, artifact: Artifact) -> Any:
    """The model as a program of functional ATen operators.

    Raises:
        UnsupportedError: torch.export cannot make a graph of the model.
    """
    specs = artifact.signature.inputs
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in specs)
    try:
        with torch.no_grad():
            return torch.export.export(model, example).run_decompositions({})
    except Exception as error:
        raise UnsupportedError(f"torch.export makes no graph of {artifact.model}: {last_words(error)}") from error
