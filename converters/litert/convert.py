"""TFLite files from PyTorch (litert-torch) and Keras (TensorFlow's converter), channels last, names restored.

Images, and any other tensor whose source layout is channels first, are channels last in the file, inputs and outputs
alike: what TensorFlow Lite's kernels and mobile developers expect. The layouts are in the signature returned.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

from converters import source
from converters.contract import CALIBRATED, Artifact, ConversionRequest, Precision, Signature, TensorSpec
from converters.litert.signature import described
from converters.samples import each_sample, load_samples

_WRAPPERS = "inner.model"
"""Where the user's module lies inside the two modules that restore names and layouts."""


def litert_from_torch(request: ConversionRequest) -> Signature:
    """Writes the fp32 file of an nn.Module; returns its signature."""
    import litert_torch
    import torch

    wanted = channels_last(request.source.source)
    inputs = {spec.name: torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in wanted.inputs}
    model = channels_last_module(request.source, wanted)
    with short_names():
        litert_torch.convert(model, sample_kwargs=inputs).export(str(request.target))
    return described(request.target, wanted)


@contextlib.contextmanager
def short_names() -> Iterator[None]:
    """Names tensors by the path of their module, `features.30`, while it lasts.

    litert-torch names each by the classes of all modules around it, hundreds of bytes a tensor: a third of a small
    file, and the structure of the author's source code. It has no option for it.
    """
    from litert_torch.backend.debuginfo import _build

    def path(node: Any) -> str:
        stack = [name for name, _ in node.meta.get("nn_module_stack", {}).values()]
        return (stack[-1].removeprefix(_WRAPPERS).lstrip(".") if stack else "") + ";"

    with mock.patch.object(_build, "_get_hierarchy", path):
        yield


def litert_from_keras(request: ConversionRequest) -> Signature:
    """Writes the file of a keras.Model by TensorFlow's own converter; returns its signature.

    Not dynamic: it leaves weights of fewer than 1,024 elements in float32, so that a small model's file would be the
    fp32 file. `quantize_litert` has no such limit.
    """
    import tensorflow as tf

    model, holder = source.keras_wrapper(request.source), tf.Module()
    holder.held = model.held  # the variables alone: the converter would trace a function in it a second time
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.serve.get_concrete_function()], holder)
    if request.precision is not Precision.FP32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if request.precision is Precision.FP16:
        converter.target_spec.supported_types = [tf.float16]
    if request.precision in CALIBRATED:
        assert request.calibration is not None  # required before
        calibration = load_samples(request.calibration)
        converter.representative_dataset = lambda: each_sample(calibration)
        sets = tf.lite.OpsSet
        converter.target_spec.supported_ops = [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            if request.precision is Precision.INT16X8
            else sets.TFLITE_BUILTINS_INT8
        ]
    if request.precision is Precision.INT8_IO:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    request.target.write_bytes(converter.convert())
    return described(request.target, request.source.source)


def channels_last(signature: Signature) -> Signature:
    """The signature with `NC...` tensors of three axes or more turned into `N...C`."""

    def turn(spec: TensorSpec) -> TensorSpec:
        if not spec.layout.startswith("NC") or len(spec.layout) < 3:
            return spec
        n, c, *rest = spec.shape
        return replace(spec, layout=f"N{spec.layout[2:]}C", shape=(n, *rest, c))

    return Signature(tuple(map(turn, signature.inputs)), tuple(map(turn, signature.outputs)))


def channels_last_module(artifact: Artifact, wanted: Signature) -> Any:
    """An nn.Module that takes and returns tensors by the layouts of `wanted`."""
    import torch

    inner, own = source.torch_wrapper(artifact), artifact.source

    def orders(given: tuple[TensorSpec, ...], made: tuple[TensorSpec, ...]) -> dict[str, list[int]]:
        pairs = [(a, b) for a, b in zip(given, made, strict=True) if a.layout != b.layout]
        return {b.name: [a.layout.index(letter) for letter in b.layout] for a, b in pairs}

    first, last = orders(wanted.inputs, own.inputs), orders(own.outputs, wanted.outputs)

    class ChannelsLast(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
            turned = {name: value.permute(first[name]) if name in first else value for name, value in inputs.items()}
            outputs = self.inner(**turned)
            return {name: value.permute(last[name]) if name in last else value for name, value in outputs.items()}

    return ChannelsLast().eval()
