"""Source models as converters and runtimes see them: loaded, called, captured, wrapped for an exporter.

Everything here runs in a worker that has the framework.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from converters import model_files
from converters.builder import build, framework_of
from converters.calling import call, flatten, invoke_keras, invoke_torch, name_outputs
from converters.capture import capture
from converters.contract import Artifact, Format, Framework, Signature
from converters.errors import ContractError, UnsupportedError
from converters.model_files.pt2 import specialised
from converters.model_files.served import CHANGES, Served
from converters.weights import FORMATS, artifact, fixed, load_weights, save_weights

__all__ = [
    "artifact",
    "build",
    "call",
    "capture",
    "fixed",
    "framework",
    "invoke_keras",
    "keras_wrapper",
    "load",
    "name_outputs",
    "parameter_count",
    "require_stateless",
    "save_weights",
    "torch_wrapper",
]

_loaded: dict[tuple[str, str, str], Any] = {}
_counted: dict[tuple[str, str, str], int] = {}


def load(artifact: Artifact) -> Any:
    """The nn.Module (in eval mode) or keras.Model of a source artifact, or what is called as one; made once a process.

    Raises:
        ModelError: the builder, the weights file or the model's own file cannot be used.
    """
    key = _key(artifact)
    if artifact.format in model_files.LOADED_AS:
        if not artifact.sha256 or key not in _loaded:
            model = model_files.load(artifact)
            if isinstance(model, Served) and model.stateful:
                return model  # each caller has a state of its own
            _loaded[key] = model
        return _loaded[key]
    if not artifact.sha256 or key not in _loaded:
        own = framework(artifact)
        model = build(artifact.builder, artifact.builder_args, own)
        if own is Framework.TENSORFLOW and not model.built:  # subclassed: its variables come with the first call
            zeros = {spec.name: np.zeros(fixed(spec), spec.dtype) for spec in artifact.source.inputs}
            call(model, zeros, artifact.source)
        load_weights(model, artifact.path, own, artifact.builder)
        _loaded[key] = model
    return _loaded[key]


def framework(artifact: Artifact) -> Framework:
    """Whose model a source artifact is.

    Raises:
        ContractError: no framework opens its format.
    """
    format = model_files.LOADED_AS.get(artifact.format, artifact.format)
    for name, own in FORMATS.items():
        if own is format:
            return name
    raise ContractError(f"a {artifact.format} file is not a source model")


def require_stateless(artifact: Artifact, format: str) -> None:
    """Raises UnsupportedError for a SavedModel that changes its own variables, where a format keeps no values."""
    model = load(artifact)
    if isinstance(model, Served) and model.stateful:
        changed = next(name for name, kind in model.operators if kind in CHANGES)
        raise UnsupportedError(
            f"the model keeps values from one call to the next ({changed}), and {format} has no variables: take them "
            "in and give them out as tensors"
        )


def parameter_count(artifact: Artifact) -> int:
    """How many trainable numbers of the source model reach an output, as gradients tell.

    Left out are batch statistics, which converters fold, and what converters drop: an auxiliary head, for instance.
    All count where no output has a gradient.
    """
    key = _key(artifact)
    if not artifact.sha256 or key not in _counted:
        model, signature = load(artifact), artifact.source
        reached = (_torch_reached if framework_of(model) is Framework.TORCH else _keras_reached)(model, signature)
        _counted[key] = sum(reached.values())
    return _counted[key]


def _key(artifact: Artifact) -> tuple[str, str, str]:
    return artifact.builder or artifact.format, json.dumps(dict(artifact.builder_args), sort_keys=True), artifact.sha256


def _torch_reached(model: Any, signature: Signature) -> dict[str, int]:
    import torch

    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    names = [spec.name for spec in signature.inputs]
    zeros = [torch.zeros(fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in signature.inputs]
    with torch.enable_grad():
        outputs = [v for v in flatten(invoke_torch(model, names, zeros)).values() if torch.is_tensor(v)]
        moved = [output.sum() for output in outputs if output.requires_grad]
        if not moved:
            return sizes
        gradients = torch.autograd.grad(torch.stack(moved).sum(), list(weights.values()), allow_unused=True)
    lost = {name for name, gradient in zip(weights, gradients, strict=True) if gradient is None}
    return {name: size for name, size in sizes.items() if name not in lost}


def _keras_reached(model: Any, signature: Signature) -> dict[str, int]:
    import tensorflow as tf

    weights = model.trainable_weights
    names = [spec.name for spec in signature.inputs]
    zeros = [tf.zeros(fixed(spec), spec.dtype) for spec in signature.inputs]
    with tf.GradientTape() as tape:
        outputs = flatten(invoke_keras(model, names, zeros)).values()
        moved = [tf.reduce_sum(output) for output in outputs if tf.convert_to_tensor(output).dtype.is_floating]
        total = tf.add_n(moved) if moved else None
    gradients = tape.gradient(total, [weight.value for weight in weights]) if moved else []
    if all(gradient is None for gradient in gradients):
        gradients = [True for _ in weights]
    return {
        weight.path: int(np.prod(weight.shape))
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    }


def torch_wrapper(artifact: Artifact, *, as_tuple: bool = False) -> Any:
    """An nn.Module that takes the inputs in signature order (or by name) and returns `{name: output}` or a tuple."""
    import torch

    model, signature = load(artifact), artifact.source
    names = [spec.name for spec in signature.inputs]
    if artifact.format is Format.PT2:
        model = specialised(model, signature.inputs)

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
