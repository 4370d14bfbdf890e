from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.contract import Artifact, ConversionRequest, Precision
from converters.litert.flatbuffer import opened
from converters.litert.graph_hash import graph_hash

pytestmark = pytest.mark.tensorflow


def hashed(path: Path) -> str:
    with opened(path) as model:
        return graph_hash(model)


def rename(model: Any) -> None:
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = f"renamed_{number}".encode()
    model.description = b"another"


def reorder_buffers(model: Any) -> None:
    count = len(model.buffers)
    model.buffers[1:] = model.buffers[:0:-1]
    for item in (*model.subgraphs[0].tensors, *model.metadata):
        if item.buffer:
            item.buffer = count - item.buffer


def reorder_tensors(model: Any) -> None:
    graph = model.subgraphs[0]
    last = len(graph.tensors) - 1
    graph.tensors = graph.tensors[::-1]
    graph.inputs, graph.outputs = last - np.array(graph.inputs), last - np.array(graph.outputs)
    for op in graph.operators:
        op.inputs = [index if index < 0 else last - index for index in op.inputs]
        op.outputs = [last - index for index in op.outputs]
    for entry in (*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs):
        entry.tensorIndex = last - entry.tensorIndex


def reorder_codes(model: Any) -> None:
    last = len(model.operatorCodes) - 1
    model.operatorCodes = model.operatorCodes[::-1]
    for op in model.subgraphs[0].operators:
        op.opcodeIndex = last - op.opcodeIndex


def weight(model: Any) -> None:
    graph = model.subgraphs[0]
    buffer = model.buffers[graph.tensors[graph.operators[2].inputs[1]].buffer]
    buffer.data = np.array(buffer.data, np.uint8)
    buffer.data[0] ^= 1


def attribute(model: Any) -> None:
    model.subgraphs[0].operators[2].builtinOptions.strideH += 1


def activation(model: Any) -> None:
    model.subgraphs[0].operators[3].builtinOptions.fusedActivationFunction = 0


def topology(model: Any) -> None:
    op = model.subgraphs[0].operators[1]
    op.inputs = [op.inputs[0], model.subgraphs[0].operators[0].inputs[1]]


def signature_name(model: Any) -> None:
    model.signatureDefs[0].outputs[0].name = b"probabilities"


def shape(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].shape = [5, 1]


def operator(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 41  # SUB


@pytest.mark.parametrize("change", [rename, reorder_buffers, reorder_tensors, reorder_codes])
def test_what_means_the_same_has_the_same_hash(
    change: Callable[[Any], None], edited: Callable[..., Path], converted: Callable[..., Artifact]
) -> None:
    assert hashed(edited(change)) == converted("keras_conv").graph_hash


@pytest.mark.parametrize(
    "change", [weight, attribute, activation, topology, signature_name, shape, operator], ids=lambda f: f.__name__
)
def test_what_means_something_else_has_another_hash(
    change: Callable[[Any], None], edited: Callable[..., Path], converted: Callable[..., Artifact]
) -> None:
    assert hashed(edited(change)) != converted("keras_conv").graph_hash


def test_quantization_parameters_count(converted: Callable[..., Artifact], tmp_path: Path) -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    quantized = converted("keras_conv", Precision.INT8)
    data = quantized.path.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    graph = model.subgraphs[0]
    graph.tensors[graph.operators[2].outputs[0]].quantization.zeroPoint = [7]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "zero.tflite").write_bytes(builder.Output())
    assert hashed(tmp_path / "zero.tflite") != quantized.graph_hash


def test_two_conversions_of_one_model_have_one_hash(converted: Callable[..., Artifact], tmp_path: Path) -> None:
    from tiny_models import MODELS

    from converters import job

    again = job.convert(
        "litert_from_keras",
        ConversionRequest(MODELS["keras_conv"].source(tmp_path), tmp_path / "again.tflite", Precision.FP32),
    )
    assert again.graph_hash == converted("keras_conv").graph_hash
