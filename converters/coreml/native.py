"""Core ML itself as a runtime, on a Mac: `coreml[cpu]`, `coreml[gpu]`, `coreml[ane]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact
from converters.coreml.package import read_package
from converters.coreml.program import Type, read_program
from converters.coreml.signature import ends, read_signature
from converters.coreml.toolkit import coremltools
from converters.device import split_name
from converters.devices.coreml import UNITS
from converters.errors import ModelError
from converters.session import Session
from converters.words import last_words

_PLACES = {"MLCPUComputeDevice": "cpu", "MLGPUComputeDevice": "gpu", "MLNeuralEngineComputeDevice": "ane"}


def open(artifact: Artifact, runtime: str, threads: int) -> CoremlSession:
    """A session on the device of the runtime's name; Core ML chooses its own threads.

    Raises:
        ModelError: the package is damaged, or Core ML does not load it.
    """
    ct = coremltools()
    units = getattr(ct.ComputeUnit, UNITS[split_name(runtime)[1][0]])

    def load() -> Any:
        try:
            return ct.models.MLModel(str(artifact.path), compute_units=units)
        except Exception as error:  # its exceptions share no base
            raise ModelError(f"Core ML does not load {artifact.path}: {last_words(error)}") from error

    return CoremlSession(artifact, load)


class CoremlSession(Session):
    """A model that Core ML has compiled; features are bound by the positions of the signature in the file."""

    def __init__(self, artifact: Artifact, load: Callable[[], Any]) -> None:
        super().__init__(artifact)
        package = read_package(artifact.path)
        program = read_program(package)
        found = read_signature(package, program)
        inputs, outputs = ends(program)
        self._inputs = {spec.name: value.name for spec, value in zip(found.inputs, inputs, strict=True)}
        self._outputs = {spec.name: value for spec, value in zip(found.outputs, outputs, strict=True)}
        self.stateful = any(value.type.state for value in program.inputs)
        self._model = load()
        self.reset()

    def reset(self) -> None:
        """Puts the states to zeros."""
        self._state = self._model.make_state() if self.stateful else None

    def _call(self, inputs: Arrays) -> Arrays:
        features = {self._inputs[name]: value for name, value in inputs.items()}
        made = self._model.predict(features, state=self._state) if self.stateful else self._model.predict(features)
        return {name: _as_declared(made[value.name], value.type) for name, value in self._outputs.items()}

    def placement(self) -> list[tuple[str, str]]:
        """(operator, `cpu`, `gpu` or `ane`) of each operator that Core ML has a place for."""
        path = self._model.get_compiled_model_path()
        plan = coremltools().models.compute_plan.MLComputePlan.load_from_path(path, self._model.compute_unit)
        program = plan.model_structure.program
        rows = []
        for operation in program.functions["main"].block.operations if program else ():
            usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
            if usage is not None:
                kind = operation.operator_name.rpartition(".")[2]
                rows.append((kind, _PLACES.get(type(usage.preferred_compute_device).__name__, "cpu")))
        return rows

    def close(self) -> None:
        """Frees the model."""
        self._model = None


def _as_declared(value: Any, type: Type) -> np.ndarray:
    """An output in the type and shape that the program declares; Core ML gives a single number as an array of one."""
    array = np.array(value, type.stored)
    return array if array.ndim == len(type.shape) else array.reshape([size or 1 for size in type.shape])
