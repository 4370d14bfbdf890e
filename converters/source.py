"""Source models: the builder and weights behind an artifact of format torch or keras, and their shape for exporters.

Everything here runs in a worker that has the framework.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.builder import build, framework_of, last_line
from converters.calling import call, invoke_keras, invoke_torch, name_outputs
from converters.contract import Artifact, Format, Framework, Precision, Signature, TensorSpec
from converters.errors import ContractError, ModelError

__all__ = [
    "artifact",
    "build",
    "call",
    "fixed",
    "keras_wrapper",
    "load",
    "parameter_count",
    "save_weights",
    "torch_wrapper",
]

FORMATS = {Framework.TORCH: Format.TORCH, Framework.TENSORFLOW: Format.KERAS}
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
        _load_weights(model, artifact.path, framework, artifact.builder)
        _loaded[key] = model
    return _loaded[key]


def save_weights(model: Any, path: Path) -> None:
    """Writes a model's weights as .safetensors (torch) or .weights.h5 (Keras)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if framework_of(model) is Framework.TORCH:
        import safetensors.torch

        safetensors.torch.save_model(model, str(path))
    else:
        model.save_weights(str(path))


def artifact(
    path: Path, builder: str, args: Mapping[str, Any], framework: str, signature: Signature, model: str = ""
) -> Artifact:
    """The source artifact of a builder and the weights file at `path`."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    meaning = json.dumps([builder.rpartition(":")[2], dict(args), digest], sort_keys=True)
    return Artifact(
        path=path,
        format=FORMATS[Framework(framework)],
        precision=Precision.FP32,
        signature=signature,
        source=signature,
        model=model or builder.rpartition(":")[2],
        framework=str(framework),
        producer=builder,
        sha256=digest,
        graph_hash=hashlib.sha256(meaning.encode()).hexdigest(),
        size_bytes=path.stat().st_size,
        builder=builder,
        builder_args=dict(args),
    )


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
            self.model, self.held = model, model.variables

        @tf.function(input_signature=[tf.TensorSpec(fixed(s), s.dtype, name=s.name) for s in signature.inputs])
        def serve(self, *tensors: Any) -> Any:
            return name(invoke(model, names, tensors), signature)

    return Named()


def fixed(spec: TensorSpec) -> tuple[int, ...]:
    """The shape of one call: a leading dynamic axis, the batch, is 1.

    Raises:
        ContractError: another axis is dynamic.
    """
    if None in spec.shape[1:]:
        raise ContractError(f"input {spec.name!r} has the dynamic shape {spec.shape}; give it a fixed one")
    return tuple(size or 1 for size in spec.shape)


def _load_weights(model: Any, path: Path, framework: Framework, builder: str) -> None:
    if not path.is_file():
        raise ModelError(f"the weights of {builder!r} are missing: {path}")
    try:
        if framework is Framework.TORCH:
            import safetensors.torch

            safetensors.torch.load_model(model, str(path), strict=True)
        else:
            model.load_weights(str(path))
    except Exception as error:
        raise ModelError(f"the weights {path} do not fit {builder!r} or are damaged: {last_line(error)}") from error
