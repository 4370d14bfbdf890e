"""Looking inside a Core ML package, by the interpreter: every value, and any piece alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from converters.contract import Arrays, Artifact
from converters.coreml.graph import graph_of, numbered, value_types
from converters.coreml.interpreter import Interpreter
from converters.coreml.package import read_package
from converters.coreml.program import read_program
from converters.coreml.signature import ends, read_signature
from converters.tracer import Tracer, Values, between


class CoremlTracer(Tracer):
    """The main function of a package."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        package = read_package(artifact.path)
        program = read_program(package)
        signature = read_signature(package, program)
        self._interpreter = Interpreter(program)
        names = [spec.name for spec in signature.inputs]
        self.graph = graph_of(self._interpreter, names, [spec.name for spec in signature.outputs])
        self._inputs = {name: value.name for name, value in zip(names, ends(program)[0], strict=True)}
        self._names = {index: name for name, index in numbered(self._interpreter).items()}
        self._types = value_types(program)

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`; a stateful program's samples are one sequence."""
        self._interpreter.reset()
        wanted = {index: self._names[index] for index in indices}
        rows = []
        for sample in samples:
            given = {self._inputs[name]: value for name, value in sample.items()}
            rows.append(self._interpreter.run(given, keep=wanted.values()) | given)
        return self._stacked(rows, wanted)

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        steps = [self._interpreter.steps[op.index] for op in between(self.graph, given, wanted)]
        names = {index: self._names[index] for index in wanted}
        rows = []
        for sample in zip(*given.values(), strict=True):
            values = {
                self._names[index]: self._interpreter.stored(value, self._types.get(self._names[index]))
                for index, value in zip(given, sample, strict=True)
            }
            self._interpreter.execute(steps, values)
            rows.append({name: self._interpreter.value(name, values) for name in names.values()})
        return self._stacked(rows, names)

    def _stacked(self, rows: Sequence[Mapping[str, np.ndarray]], wanted: Mapping[int, str]) -> Values:
        """Values as the file declares them; those that are no tensors, or of changing shape, are left out."""
        found: Values = {}
        for index, name in wanted.items():
            values = [row[name] for row in rows if name in row]
            if not values or not all(isinstance(value, np.ndarray) for value in values):
                continue
            if len(values) == len(rows) and len({value.shape for value in values}) == 1:
                declared = self._types[name].stored if name in self._types else str(values[0].dtype)
                found[index] = np.stack(values).astype(declared)
        return found


def open(artifact: Artifact) -> CoremlTracer:
    """Opens the package for looking inside; ModelError where it cannot be read."""
    return CoremlTracer(artifact)
