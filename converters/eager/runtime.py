"""A source model run by its own framework, as its author would."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from converters import adapt, source
from converters.contract import Arrays, Artifact, Framework
from converters.device import split_name
from converters.errors import ContractError, UnsupportedError
from converters.model_files.served import Served
from converters.session import Session
from converters.words import last_words

BATCH = 64
"""Samples of one call where the batch axis is open; the outputs of larger batches are no faster on a CPU."""


def open(artifact: Artifact, runtime: str, threads: int) -> EagerSession:
    """A session of the built and loaded model.

    Raises:
        ModelError: the builder or the weights cannot be used.
    """
    _set_threads(source.framework(artifact), threads)
    family = split_name(runtime)[0]
    kind = Compiled if family.endswith("-xla") else Plain if family.endswith("-plain") else EagerSession
    return kind(artifact, source.load(artifact), threads)


class EagerSession(Session):
    """An nn.Module in eval mode or a keras.Model in inference mode; the file's signature is the source's."""

    def __init__(self, artifact: Artifact, model: Any, threads: int) -> None:
        super().__init__(artifact)
        self._model = model
        self._threads = threads
        self.stateful = isinstance(model, Served) and model.stateful

    def reset(self) -> None:
        """As the contract says."""
        if self.stateful:
            self._model.reset()

    def _call(self, inputs: Arrays) -> Arrays:
        _set_threads(source.framework(self.artifact), self._threads)
        return source.call(self._model, inputs, self.artifact.signature)

    def run_many(self, inputs: Arrays) -> Arrays:
        """As the contract says; where every batch axis is open, samples share calls of `BATCH`."""
        outer, own = self.artifact.source, self.artifact.signature
        specs = (*own.inputs, *own.outputs, *outer.inputs, *outer.outputs)
        batched = not self.stateful and all(
            spec.shape[:1] == (None,) and spec.layout[:1] in ("", "N") for spec in specs
        )
        if not batched or any(value.ndim < 2 or value.shape[1] != 1 for value in inputs.values()):
            return super().run_many(inputs)
        counts = {len(value) for value in inputs.values()}
        if len(counts) != 1 or not (count := counts.pop()):
            raise ContractError(f"inputs have different numbers of samples, or none: {sorted(counts)}")
        parts = []
        for start in range(0, count, BATCH):
            call = {name: value[start : start + BATCH, 0] for name, value in inputs.items()}
            outputs = self._call(adapt.to_file(call, outer.inputs, own.inputs))
            part = adapt.to_source(outputs, own.outputs, outer.outputs)
            size = min(BATCH, count - start)
            wrong = {name: value.shape for name, value in part.items() if len(value) != size}
            if wrong:
                raise ContractError(f"a batch of {size} gave outputs of {wrong}: the model mixes or drops samples")
            parts.append(part)
        return {name: np.concatenate([part[name] for part in parts])[:, np.newaxis] for name in parts[0]}


class Plain(EagerSession):
    """PyTorch's own kernels, where it would take oneDNN's."""

    def _call(self, inputs: Arrays) -> Arrays:
        import torch

        with torch.backends.mkldnn.flags(enabled=False):
            return super()._call(inputs)


class Compiled(EagerSession):
    """A model of TensorFlow compiled by XLA, whose kernels are others."""

    def __init__(self, artifact: Artifact, model: Any, threads: int) -> None:
        super().__init__(artifact, model, threads)
        import tensorflow as tf

        names = [spec.name for spec in artifact.signature.inputs]

        def called(tensors: list[Any]) -> dict[str, Any]:
            return source.name_outputs(source.invoke_keras(model, names, tensors), artifact.signature)

        self._compiled = tf.function(called, jit_compile=True, autograph=False, reduce_retracing=False)

    def _call(self, inputs: Arrays) -> Arrays:
        import tensorflow as tf

        _set_threads(source.framework(self.artifact), self._threads)
        tensors = [tf.constant(inputs[spec.name]) for spec in self.artifact.signature.inputs]
        try:
            found = self._compiled(tensors)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            raise UnsupportedError(f"XLA does not compile it: {last_words(error)}") from error
        return {name: np.asarray(value) for name, value in found.items()}


def _set_threads(framework: str, threads: int) -> None:
    """Threads inside an operator. TensorFlow takes them before its first operator only and keeps them then."""
    if framework == Framework.TORCH:
        import torch

        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return
    import tensorflow as tf

    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
