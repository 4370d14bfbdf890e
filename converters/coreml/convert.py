"""Core ML packages (ML programs) from source models: float32, or float16 throughout with float32 ends."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from converters import content, source
from converters.contract import ConversionRequest, Precision, Signature, TensorSpec
from converters.coreml import package as packages
from converters.coreml.program import read_program
from converters.coreml.signature import ends, feature_names, rename, write_signature
from converters.coreml.toolkit import coremltools
from converters.errors import UnsupportedError

TARGET = "iOS17"
"""The oldest system that the file runs on, where the recipe does not say another: macOS 14 is of the same year."""
_END_TYPES = {
    **dict.fromkeys(("float32", "float64"), np.float32),
    **dict.fromkeys(("int32", "int64"), np.int32),
    "float16": np.float16,
}
_LEFT_BEHIND = "executorch_debug_handle_mapping.json"


def coreml_from_torch(request: ConversionRequest) -> Signature:
    """Writes the package that coremltools makes of the exported program; NCHW or whatever the source has.

    What it would convert wrongly is written with other operators first (`converters.coreml.rewrite`).

    Raises:
        ContractError: a dynamic axis other than the batch.
        UnsupportedError: an operator that coremltools does not convert, or an end that Core ML does not have.
    """
    import torch

    from converters.coreml.rewrite import decompositions

    ct = coremltools("torch")
    signature = request.source.source
    end_types(signature)
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in signature.inputs)
    with torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
        program = torch.export.export(source.torch_wrapper(request.source, as_tuple=True), example)
        made = ct.convert(program.run_decompositions(decompositions()), **options_of(ct, request))
    return save(made, request, signature)


def coreml_from_keras(request: ConversionRequest) -> Signature:
    """Writes the package that coremltools makes of the model's inference call; NHWC as in the source.

    Raises:
        ContractError: a dynamic axis other than the batch.
        UnsupportedError: an operator that coremltools does not convert, or an end that Core ML does not have.
    """
    source.require_stateless(request.source, "Core ML")
    import tensorflow as tf

    ct = coremltools("tensorflow", "keras")
    _know_erfc()
    signature = request.source.source
    end_types(signature)
    model = source.load(request.source)
    names = [spec.name for spec in signature.inputs]

    @tf.function(autograph=False)
    def call(*tensors: Any) -> list[Any]:
        outputs = source.name_outputs(source.invoke_keras(model, names, tensors), signature)
        return [tf.identity(value, name=f"output_{i}") for i, value in enumerate(outputs.values())]

    specs = [tf.TensorSpec(source.fixed(s), s.dtype, name=f"input_{i}") for i, s in enumerate(signature.inputs)]
    with contextlib.redirect_stdout(sys.stderr):
        concrete = call.get_concrete_function(*specs)
        names = [tensor.name.partition(":")[0] for tensor in concrete.outputs]
        made = ct.convert([concrete], source="tensorflow", **options_of(ct, request, names))
    return save(made, request, signature)


def _know_erfc() -> None:
    """Erfc, as Keras's exact GELU has it: coremltools converts Erf alone. 1 - Erf(x)."""
    from coremltools.converters.mil import Builder, register_tf_op

    def erfc(context: Any, node: Any) -> None:
        erf = Builder.erf(x=context[node.inputs[0]])
        context.add(node.name, Builder.sub(x=1.0, y=erf, name=node.name))

    register_tf_op(erfc, tf_alias=["Erfc"], override=True)


def save(model: Any, request: ConversionRequest, signature: Signature) -> Signature:
    """Writes what coremltools made, with the source's names; its features are in the source's order."""
    shutil.rmtree(request.target, ignore_errors=True)
    model.save(str(request.target))
    (request.target / _LEFT_BEHIND).unlink(missing_ok=True)
    package = packages.read_package(request.target)
    inputs, outputs = ends(read_program(package))
    if len(inputs) != len(signature.inputs) or len(outputs) != len(signature.outputs):
        found = [value.name for value in (*inputs, *outputs)]
        wanted = [spec.name for spec in (*signature.inputs, *signature.outputs)]
        raise UnsupportedError(f"coremltools left {found} of {wanted}: one is never used, or two are the same")
    names = feature_names(signature.inputs)
    names += feature_names(signature.outputs, names)
    rename(package.model, dict(zip((value.name for value in (*inputs, *outputs)), names, strict=True)))

    def own(specs: tuple[TensorSpec, ...], values: Any) -> tuple[TensorSpec, ...]:
        pairs = zip(specs, values, strict=True)
        return tuple(dataclasses.replace(s, shape=v.type.shape, dtype=v.type.dtype) for s, v in pairs)

    written = Signature(own(signature.inputs, inputs), own(signature.outputs, outputs))
    write_signature(package, written)
    packages.write_model(package)
    content.sync(request.target)
    return written


def options_of(ct: Any, request: ConversionRequest, names: Sequence[str] = ()) -> dict[str, Any]:
    """What coremltools is told; TensorFlow's outputs go by `names`, PyTorch's by their order."""
    half = request.precision is Precision.FP16
    signature, ends = request.source.source, {}
    if half:
        kinds = [{"dtype": _END_TYPES[spec.dtype]} for spec in signature.outputs]
        named = [{"name": name} for name in names] or [{} for _ in kinds]
        ends["outputs"] = [ct.TensorType(**name, **kind) for name, kind in zip(named, kinds, strict=True)]
    if half and names:
        ends["inputs"] = [
            ct.TensorType(name=f"input_{i}", shape=source.fixed(spec), dtype=_END_TYPES[spec.dtype])
            for i, spec in enumerate(signature.inputs)
        ]
    return {
        "convert_to": "mlprogram",
        **ends,
        "minimum_deployment_target": getattr(ct.target, str(request.options.get("minimum_deployment_target", TARGET))),
        "compute_precision": ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        "skip_model_load": True,
    }


def end_types(signature: Signature) -> dict[str, Any]:
    """The types that inputs and outputs have in the file, by name: wider numbers are written as narrower ones.

    Raises:
        UnsupportedError: an end that is none of float32, float16 and int32, which Core ML's arrays are of.
    """
    for spec in (*signature.inputs, *signature.outputs):
        if spec.dtype not in _END_TYPES:
            raise UnsupportedError(
                f"{spec.name!r} is {spec.dtype}; inputs and outputs of Core ML are float32, float16 or int32: cast it "
                "inside of the model"
            )
    return {spec.name: _END_TYPES[spec.dtype] for spec in (*signature.inputs, *signature.outputs)}
