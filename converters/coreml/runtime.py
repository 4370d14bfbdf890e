"""The interpreter as a runtime: `coreml-mil` computes as the file declares, `coreml-mil[fp16]` all in float16."""

from __future__ import annotations

import numpy as np

from converters.contract import Arrays, Artifact
from converters.coreml.interpreter import Interpreter
from converters.coreml.package import read_package
from converters.coreml.program import read_program
from converters.coreml.signature import ends, read_signature
from converters.device import split_name
from converters.errors import ModelError
from converters.session import Session


def open(artifact: Artifact, runtime: str, threads: int) -> MilSession:
    """A session of the package's main function; threads are those that numpy has.

    Raises:
        ModelError: the package is damaged, or has other inputs or outputs than its signature.
        UnsupportedError: the program has operators that the interpreter has not; all are named.
    """
    return MilSession(artifact, half="fp16" in split_name(runtime)[1])


class MilSession(Session):
    """A program ready to run; inputs and outputs by the names of the signature in the file."""

    def __init__(self, artifact: Artifact, *, half: bool) -> None:
        super().__init__(artifact)
        package = read_package(artifact.path)
        program = read_program(package)
        found = read_signature(package, program)
        self._interpreter = Interpreter(program, half=half)
        self.stateful = self._interpreter.stateful
        inputs, self._made = ends(program)
        self._inputs = {spec.name: value.name for spec, value in zip(found.inputs, inputs, strict=True)}
        self._outputs = [spec.name for spec in found.outputs]
        for side, names, specs in (
            ("inputs", list(self._inputs), artifact.signature.inputs),
            ("outputs", self._outputs, artifact.signature.outputs),
        ):
            wanted = [spec.name for spec in specs]
            if sorted(names) != sorted(wanted):
                raise ModelError(f"{artifact.path} has the {side} {names}, its signature says {wanted}")

    def _call(self, inputs: Arrays) -> Arrays:
        found = self._interpreter.run({self._inputs[name]: value for name, value in inputs.items()})
        return {
            name: np.array(found[value.name], value.type.stored)
            for name, value in zip(self._outputs, self._made, strict=True)
        }

    def placement(self) -> list[tuple[str, str]]:
        """Each operator, on `numpy`: where Core ML would run it, a Mac alone can say."""
        return [(step.operation.type, "numpy") for step in self._interpreter.steps]

    def reset(self) -> None:
        """Puts the states to zeros."""
        self._interpreter.reset()
