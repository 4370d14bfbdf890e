"""TorchScript run by LibTorch's interpreter on the CPU, by oneDNN's kernels or, `torchscript-plain`, by its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from converters.contract import Arrays, Artifact
from converters.device import split_name
from converters.errors import ModelError
from converters.model_files.script import keeps_state
from converters.session import Session
from converters.torchscript.archive import load

PLAIN = "torchscript-plain"


def open(artifact: Artifact, runtime: str, threads: int) -> TorchScriptSession:
    """A session of the archive, frozen once more if it is not.

    Raises:
        ModelError: another format, damaged, or with other inputs or outputs than its signature.
    """
    module, recorded = load(artifact.path)
    fresh = (lambda: load(artifact.path)[0]) if keeps_state(module) else None
    return TorchScriptSession(artifact, module, recorded, threads, fresh, plain=split_name(runtime)[0] == PLAIN)


class TorchScriptSession(Session):
    """A `torch.jit.ScriptModule`. Positions come from the signature in the file, else from the artifact's.

    `fresh` reads the module again, where it changes its own attributes.
    """

    def __init__(
        self,
        artifact: Artifact,
        module: Any,
        recorded: Any,
        threads: int,
        fresh: Callable[[], Any] | None = None,
        *,
        plain: bool = False,
    ) -> None:
        super().__init__(artifact)
        self.stateful, self._fresh = fresh is not None, fresh
        own = recorded or artifact.signature
        self._module = module
        self._threads, self._plain = threads, plain
        self._inputs = [spec.name for spec in own.inputs]
        self._outputs = [spec.name for spec in own.outputs]
        for side, names, specs in (
            ("inputs", self._inputs, artifact.signature.inputs),
            ("outputs", self._outputs, artifact.signature.outputs),
        ):
            if sorted(names) != sorted(spec.name for spec in specs):
                raise ModelError(
                    f"{artifact.path} records the {side} {names}, its signature says {[s.name for s in specs]}"
                )

    def reset(self) -> None:
        """As the contract says."""
        if self._fresh:
            self._module = self._fresh()

    def _call(self, inputs: Arrays) -> Arrays:
        if torch.get_num_threads() != self._threads:  # one number for the whole process
            torch.set_num_threads(self._threads)
        arrays = (inputs[name] for name in self._inputs)
        tensors = [torch.from_numpy(array if array.flags.writeable else array.copy()) for array in arrays]
        kernels = torch.backends.mkldnn.flags(enabled=False) if self._plain else contextlib.nullcontext()
        with torch.inference_mode(), kernels:
            outputs = _flatten(self._module(*tensors))
        if len(outputs) != len(self._outputs):
            raise ModelError(
                f"{self.artifact.path} returns {len(outputs)} outputs, its signature names {self._outputs}"
            )
        return {name: tensor.numpy() for name, tensor in zip(self._outputs, outputs, strict=True)}

    def close(self) -> None:
        """Frees the module."""
        self._module = None


def _flatten(outputs: Any) -> list[torch.Tensor]:
    """Tensors in order, out of nested tuples, lists and dicts."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for value in values for tensor in _flatten(value)]
