"""ExecuTorch programs from PyTorch, lowered for a backend; each file says in a method of its own what it takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

from converters import source
from converters.contract import ConversionRequest, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.executorch import quantize
from converters.executorch.plan import read_graph
from converters.executorch.program import SIGNATURE_METHOD, opened, signature_text
from converters.executorch.rewrite import rewrite


def executorch_xnnpack_from_torch(request: ConversionRequest) -> Signature:
    """Writes the program with all that XNNPACK takes delegated to it, fp32 or int8; returns its signature.

    Raises:
        UnsupportedError: XNNPACK takes no operator of the model, or int8-io is asked for an input that is not
            quantized first of all.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    signature = _plain_signature(request.source.source)
    model = rewrite(_export(source.torch_wrapper(request.source, as_tuple=True), signature).module())
    if request.precision is Precision.FP32:
        program = _export(model, signature)
    else:
        program = _export(quantize.quantize(model, request), signature)
    if request.precision is Precision.INT8_IO:
        signature = quantize.integer_ends(program, signature)
    return _lower(request, program, signature, XnnpackPartitioner())


def executorch_portable_from_torch(request: ConversionRequest) -> Signature:
    """Writes the program for ExecuTorch's own kernels, no operator delegated; returns its signature."""
    signature = _plain_signature(request.source.source)
    program = _export(source.torch_wrapper(request.source, as_tuple=True), signature)
    return _lower(request, program, signature, None)


def executorch_vulkan_from_torch(request: ConversionRequest) -> Signature:
    """Writes the program with all that the Vulkan backend takes delegated to it; no GPU is needed for that.

    Raises:
        UnsupportedError: the backend takes no operator of the model.
    """
    from executorch.backends.vulkan.partitioner.vulkan_partitioner import VulkanPartitioner

    signature = _plain_signature(request.source.source)
    model = rewrite(_export(source.torch_wrapper(request.source, as_tuple=True), signature).module())
    return _lower(request, _export(model, signature), signature, VulkanPartitioner())


def _plain_signature(signature: Signature) -> Signature:
    """The source's with the batch, where it is open, of one sample."""

    def fixed(specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        return tuple(dataclasses.replace(spec, shape=source.fixed(spec)) for spec in specs)

    return Signature(fixed(signature.inputs), fixed(signature.outputs))


def _export(model: Any, signature: Signature) -> Any:
    """The model as a graph of ATen operators."""
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in signature.inputs)
    with torch.no_grad():
        return torch.export.export(model, example)


def _lower(request: ConversionRequest, program: Any, signature: Signature, partitioner: Any) -> Signature:
    """Writes the program, the signature in a method of its own.

    Buffers that the model changes start with the model's values: without a word, ExecuTorch would leave them unset.

    Raises:
        UnsupportedError: the backend takes no operator of the model.
    """
    lowered = to_edge_transform_and_lower(
        program,
        partitioner=[partitioner] if partitioner else None,
        constant_methods={SIGNATURE_METHOD: signature_text(signature)},
    )
    kept = [name.replace(".", "_") for name in lowered.exported_program().graph_signature.buffers_to_mutate.values()]
    config = ExecutorchBackendConfig(passes=[InitializedMutableBufferPass(kept)] if kept else [])
    request.target.write_bytes(lowered.to_executorch(config).buffer)
    with opened(request.target) as written:
        if partitioner and not read_graph(written).backends:
            backend = type(partitioner).__name__.removesuffix("Partitioner")
            raise UnsupportedError(f"{backend} takes no operator of this model; executorch-portable makes it")
    return signature
