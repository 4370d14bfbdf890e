"""ONNX from a source model: batch of one, names as in the source, weights inside the file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from converters import source
from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.onnx.inspect import read_signature, write_signature

KERAS_OPSET = 18  # the newest that tf2onnx 1.17 writes
MAX_BYTES = 1_800_000_000
"""A protobuf message ends at 2 GiB; what is larger needs files beside it, which one artifact cannot have."""


def onnx_from_torch(request: ConversionRequest) -> Signature:
    """Writes the graph that the dynamo exporter makes; NCHW or whatever the source has.

    Raises:
        ContractError: a dynamic axis other than the batch.
        UnsupportedError: an input is never used, or the weights are beyond what one file holds.
    """
    import torch

    signature = request.source.source
    module = source.torch_wrapper(request.source, as_tuple=True)
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in signature.inputs)
    with contextlib.redirect_stdout(sys.stderr):
        program = torch.onnx.export(module, example, dynamo=True, verbose=False)
    if program is None:
        raise UnsupportedError("torch.onnx.export made no program")
    return finish(program.model_proto, request)


def onnx_from_keras(request: ConversionRequest) -> Signature:
    """Writes the graph that tf2onnx makes of the model's inference call; NHWC as in the source.

    Raises:
        ContractError: a dynamic axis other than the batch.
        UnsupportedError: an input is never used, or the weights are beyond what one file holds.
    """
    import tensorflow as tf
    import tf2onnx

    source.require_stateless(request.source, "ONNX")
    signature = request.source.source
    model = source.load(request.source)
    names = [spec.name for spec in signature.inputs]

    @tf.function(autograph=False)
    def call(*tensors: Any) -> list[Any]:
        outputs = source.name_outputs(source.invoke_keras(model, names, tensors), signature)
        return [tf.identity(value) for value in outputs.values()]

    specs = [tf.TensorSpec(source.fixed(s), s.dtype, name=f"input_{i}") for i, s in enumerate(signature.inputs)]
    with contextlib.redirect_stdout(sys.stderr):
        function = call.get_concrete_function(*specs)
        if all(value.dtype == tf.resource for value, _ in function.graph.captures):
            made, _ = tf2onnx.convert.from_function(call, input_signature=specs, opset=KERAS_OPSET)
        else:
            made, _ = _from_frozen(function)
    return finish(_spelled_out(made), request)


def _spelled_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without Erfc, as an exact GELU has it: tf2onnx hands it on, and ONNX knows Erf alone. 1 - Erf(x)."""
    found = [(place, node) for place, node in enumerate(model.graph.node) if node.op_type == "Erfc"]
    for place, node in reversed(found):
        one, erf = f"{node.output[0]}_one", f"{node.output[0]}_erf"
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, np.float32), one))
        made = [
            onnx.helper.make_node("Erf", node.input, [erf]),
            onnx.helper.make_node("Sub", [one, erf], node.output, name=node.name),
        ]
        del model.graph.node[place]
        for other in reversed(made):
            model.graph.node.insert(place, other)
    return model


def _from_frozen(function: Any) -> Any:
    """What tf2onnx makes of a function that holds tensors of a SavedModel, which it would take for inputs."""
    import tf2onnx
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    constant = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
    ends = {"input_names": [t.name for t in constant.inputs], "output_names": [t.name for t in constant.outputs]}
    return tf2onnx.convert.from_graph_def(constant.graph.as_graph_def(add_shapes=True), opset=KERAS_OPSET, **ends)


def finish(model: onnx.ModelProto, request: ConversionRequest) -> Signature:
    """Names and notes of the source put on a graph whose inputs and outputs are in its order; then saved.

    Exporters' own renaming is not used: it makes invalid graphs where an inner tensor already has the name.
    """
    signature = request.source.source
    graph = model.graph
    wanted = {}
    for values, specs in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        if len(values) != len(specs):
            found = [value.name for value in values]
            raise UnsupportedError(f"the exporter left {found} of {[spec.name for spec in specs]}: one is never used")
        wanted.update({value.name: spec.name for value, spec in zip(values, specs, strict=True)})
    rename(graph, wanted)
    _strip(graph)
    for value, spec in zip(graph.output, signature.outputs, strict=True):
        _fix_shape(value, spec)
    write_signature(model, signature)
    if model.ByteSize() > MAX_BYTES:
        raise UnsupportedError(f"the model has {model.ByteSize()} bytes; one ONNX file holds {MAX_BYTES}")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, request.target)
    return read_signature(model)


def _strip(graph: onnx.GraphProto) -> None:
    """Removes the exporter's notes: stack traces of the source, as large as a small model's weights."""
    del graph.metadata_props[:]
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _strip(inner)


def rename(graph: onnx.GraphProto, wanted: Mapping[str, str]) -> None:
    """Renames tensors of a graph and its subgraphs; one that stands in a new name's way gives way."""
    taken = set(wanted.values()) - set(wanted)
    names = {**{name: f"{name}__inner" for name in taken}, **wanted}

    def walk(graph: onnx.GraphProto) -> None:
        for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
            value.name = names.get(value.name, value.name)
        for node in graph.node:
            for side in (node.input, node.output):
                side[:] = [names.get(name, name) for name in side]
            for attribute in node.attribute:
                for inner in (attribute.g, *attribute.graphs):
                    walk(inner)

    walk(graph)


def _fix_shape(value: onnx.ValueInfoProto, spec: TensorSpec) -> None:
    """A batch that shape inference left open is one, because every input's is."""
    dims = value.type.tensor_type.shape.dim
    if len(dims) == len(spec.shape) and dims and not dims[0].HasField("dim_value"):
        dims[0].dim_value = 1
