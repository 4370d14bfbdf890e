"""Source models as converters and runtimes see them: loaded, called, captured, wrapped for an exporter.

Everything here runs in a worker that has the framework.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from converters.builder import build, framework_of
from converters.calling import call, invoke_keras, invoke_torch, name_outputs
from converters.capture import capture
from converters.contract import Artifact, Framework
from converters.errors import ContractError
from converters.weights import FORMATS, artifact, fixed, load_weights, save_weights

__all__ = [
    "artifact",
    "build",
    "call",
    "capture",
    "fixed",
    "keras_wrapper",
    "load",
    "parameter_count",
    "save_weights",
    "torch_wrapper",
]

_loaded: dict[tuple[str, str, str], Any] = {}


def load(artifact: Artifact) -> Any:
    """The nn.Module (in eval mode) or keras.Model of a source artifact; built once a process.

    Raises:
        ModelError: the builder or the weights file cannot be used.
    """
    key = (artifact.builder, json.dumps(dict(artifact.builder_args), sort_keys=True), artifact.sha256)
    if not artifact.sha256 or key not in _loaded:
        framework = next((name for name, format in FORMATS.items() if format is artifact.format), None)
        if framework is None:
            raise ContractError(f"a {artifact.format} file is not a source model")
        model = build(artifact.builder, artifact.builder_args, framework)
        if framework is Framework.TENSORFLOW and not model.built:  # subclassed: its variables come with the first call
            zeros = {spec.name: np.zeros(fixed(spec), spec.dtype) for spec in artifact.source.inputs}
            call(model, zeros, artifact.source)
        load_weights(model, artifact.path, framework, artifact.builder)
        _loaded[key] = model
    return _loaded[key]


def parameter_count(artifact: Artifact) -> int:
    """How many trainable numbers the source model has; batch statistics, which converters fold, left out."""
    model = load(artifact)
    if framework_of(model) is Framework.TORCH:
        return sum(parameter.numel() for parameter in model.parameters())
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def torch_wrapper(artifact: Artifact, *, as_tuple: bool = False) -> Any:
    """An nn.Module that takes the inputs in signature order (or by name) and returns `{name: output}` or a tuple."""
    import torch

    model, signature = load(artifact), artifact.source
    names = [spec.name for spec in signature.inputs]

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            tensors = [*args, *(kwargs[name] for name in names[len(args) :])]
            named = name_outputs(invoke_torch(self.model, names, tensors), signature)
            return tuple(named.values()) if as_tuple else named

    return Named().eval()


def keras_wrapper(artifact: Artifact) -> Any:
    """A tf.Module whose tf.function `serve` takes the inputs in signature order and returns `{name: output}`.

    Its shapes are fixed: a missing batch axis size is 1. The module holds the variables, so that
    `TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)` finds them.
    """
    import tensorflow as tf

    model, signature = load(artifact), artifact.source
    names = [spec.name for spec in signature.inputs]
    name = tf.autograph.experimental.do_not_convert(name_outputs)
    invoke = tf.autograph.experimental.do_not_convert(invoke_keras)

    class Named(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.held = [variable.value for variable in model.variables]  # as tf.Variable, which savers track

        @tf.function(input_signature=[tf.TensorSpec(fixed(s), s.dtype, name=s.name) for s in signature.inputs])
        def serve(self, *tensors: Any) -> Any:
            return name(invoke(model, names, tensors), signature)

    return Named()
