"""tflite-runtime 2.14, the interpreter of apps that were built before LiteRT."""

from __future__ import annotations

from typing import Any

from converters.contract import Arrays, Artifact
from converters.device import threads_of
from converters.errors import ModelError, UnsupportedError
from converters.litert.signature import signature_key
from converters.session import Session


class OldSession(Session):
    """A .tflite file in tflite-runtime with its default kernels, XNNPACK for what that takes."""

    def __init__(self, artifact: Artifact, threads: int) -> None:
        super().__init__(artifact)
        from tflite_runtime.interpreter import Interpreter

        try:
            self._interpreter: Any = Interpreter(str(artifact.path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except ValueError as error:
            reason = str(error).splitlines()[0]
            kind = UnsupportedError if "op" in reason.lower() and "version" in reason.lower() else ModelError
            raise kind(f"tflite-runtime does not open {artifact.path.name}: {reason}") from error
        except RuntimeError as error:
            raise UnsupportedError(f"tflite-runtime does not run {artifact.path.name}: {error}") from error
        self._inputs, self._outputs = _ends(self._interpreter, artifact)

    def _call(self, inputs: Arrays) -> Arrays:
        for name, index in self._inputs.items():
            self._interpreter.set_tensor(index, inputs[name])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


def open(artifact: Artifact, runtime: str, threads: int = 1) -> OldSession:
    """A session of a file.

    Raises:
        ModelError: the file is damaged.
        UnsupportedError: operators that this old runtime lacks.
    """
    return OldSession(artifact, threads_of(runtime, threads))


def _ends(interpreter: Any, artifact: Artifact) -> tuple[dict[str, int], dict[str, int]]:
    """Tensor indices of inputs and outputs, by the names of the file's signature; by tensor names where it has none."""
    key = signature_key(artifact.path)
    if key is None:
        sides = (interpreter.get_input_details(), interpreter.get_output_details())
        inputs, outputs = ({row["name"]: int(row["index"]) for row in side} for side in sides)
    else:
        runner = interpreter.get_signature_runner(key)
        sides = (runner.get_input_details(), runner.get_output_details())
        inputs, outputs = ({name: int(row["index"]) for name, row in side.items()} for side in sides)
    return inputs, outputs
