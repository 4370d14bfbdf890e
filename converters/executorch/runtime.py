"""ExecuTorch programs run by its own runtime on the CPU, or on a GPU where it was built with Vulkan.

What runs where, XNNPACK or its own portable kernels, was decided when the file was made.
"""

from __future__ import annotations

import importlib.metadata
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from executorch.extension.pybindings import portable_lib
from executorch.runtime import Runtime

from converters.contract import Arrays, Artifact
from converters.device import split_name, threads_of
from converters.errors import ModelError, UnavailableError, UnsupportedError
from converters.executorch.graph import MEMORY, Graph
from converters.executorch.inspect import signature_of
from converters.executorch.plan import read_graph
from converters.executorch.program import opened
from converters.session import Session
from converters.words import last_words

VULKAN = "executorch-vulkan"
_VULKAN_BACKEND = "VulkanBackend"
_sessions: weakref.WeakSet[ExecuTorchSession] = weakref.WeakSet()


def open(artifact: Artifact, runtime: str, threads: int) -> ExecuTorchSession:
    """A session of the main method.

    Raises:
        ModelError: the file is damaged, or has other inputs or outputs than its signature.
        UnavailableError: it was lowered for a backend that is not in the installed ExecuTorch.
        UnsupportedError: nothing of it was lowered for Vulkan, which is asked for, or ExecuTorch lacks an operator.
    """
    with opened(artifact.path) as program:
        graph = read_graph(program)
        _require(artifact, graph, split_name(runtime)[0])
        signature = signature_of(program, graph)
        names = [spec.name for spec in signature.inputs], [spec.name for spec in signature.outputs]
        return ExecuTorchSession(artifact, graph, program.main, names, threads_of(runtime, threads))


def _require(artifact: Artifact, graph: Graph, runtime: str) -> None:
    """Raises where this runtime, or this build of ExecuTorch, cannot run the program."""
    version = importlib.metadata.version("executorch")
    found = Runtime.get()
    if runtime == VULKAN and _VULKAN_BACKEND not in graph.backends:
        made_for = ", ".join(graph.backends) or "ExecuTorch's own kernels"
        raise UnsupportedError(
            f"{artifact.path.name} was lowered for {made_for}, not for Vulkan: nothing of it runs there"
        )
    absent = [name for name in graph.backends if not found.backend_registry.is_available(name)]
    if absent:
        raise UnavailableError(
            f"{artifact.path.name} was lowered for {', '.join(absent)}, which the installed ExecuTorch {version} was "
            f"built without (it has {', '.join(found.backend_registry.registered_backend_names)}); build ExecuTorch "
            "with that backend, or run the file in an app whose ExecuTorch has it"
        )
    unknown = sorted(set(graph.kernels) - found.operator_registry.operator_names)
    if unknown:
        raise UnsupportedError(f"ExecuTorch {version} has no operator {', '.join(unknown)}")


class ExecuTorchSession(Session):
    """A loaded method. Its positions are those of the signature in the file, else of the artifact's.

    The threads are those of one pool for the whole process, which methods keep a pointer to: a session that wants
    another number makes all of them load anew.
    """

    def __init__(
        self, artifact: Artifact, graph: Graph, method: str, names: tuple[list[str], list[str]], threads: int
    ) -> None:
        super().__init__(artifact)
        self.stateful = graph.stateful
        self._placement = [(op.type, op.device) for op in graph.ops if graph.backends and op.device != MEMORY]
        self._name, self._threads = method, threads
        self._inputs, self._outputs = names
        self._method: Any = None
        for side, found, specs in (
            ("inputs", self._inputs, artifact.signature.inputs),
            ("outputs", self._outputs, artifact.signature.outputs),
        ):
            if sorted(found) != sorted(spec.name for spec in specs):
                wanted = [spec.name for spec in specs]
                raise ModelError(f"{artifact.path} has the {side} {found}, its signature says {wanted}")
        _sessions.add(self)
        self._load()

    def _load(self) -> Any:
        _use_threads(self._threads)
        if self._method is None:
            try:
                self._method = Runtime.get().load_program(self.artifact.path).load_method(self._name)
            except RuntimeError as error:
                raise ModelError(f"ExecuTorch does not load {self.artifact.path}: {last_words(error)}") from error
        return self._method

    def _call(self, inputs: Arrays) -> Arrays:
        arrays = (inputs[name] for name in self._inputs)
        tensors = [torch.from_numpy(array if array.flags.writeable else array.copy()) for array in arrays]
        outputs: Sequence[torch.Tensor] = self._load().execute(tensors)  # copies of what lies in the program's memory
        return {name: tensor.numpy() for name, tensor in zip(self._outputs, outputs, strict=True)}

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """As the contract says; a method that another number of threads has closed is loaded before the clock runs."""
        self._load()
        return super().time(inputs, n)

    def placement(self) -> list[tuple[str, str]]:
        """Each operator with the delegate that took it, or `portable`, as the file says; empty without a delegate.

        A program that was made for no delegate promises none.
        """
        return self._placement

    def reset(self) -> None:
        """Loads the method anew: its state lies in the memory of the loaded one."""
        if self.stateful:
            self._method = None

    def close(self) -> None:
        """Frees the method."""
        self._method = None


def _use_threads(threads: int) -> None:
    """Gives the process's pool so many threads, unless it has them; nothing may hold the old pool by then."""
    if portable_lib._threadpool_get_thread_count() != threads:
        for session in _sessions:
            session.close()
        portable_lib._unsafe_reset_threadpool(threads)
