from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters.graph import Graph
from converters.litert.graph import read_graph
from converters.onnx.graph import read_graph as read_onnx
from converters.tuning.layers import Layer, layer_of


def layers(graph: Graph) -> list[Layer]:
    return [layer for op in graph.ops if (layer := layer_of(graph, op)) is not None]


@pytest.fixture(params=["tflite", "onnx"])
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Graph:
    if request.param == "tflite":
        return read_graph(outlier_nets.tflite(tmp_path / "net.tflite").path)
    return read_onnx(outlier_nets.onnx_file(tmp_path / "net.onnx").path)


def test_convolutions_and_dense_layers_are_layers(graph: Graph) -> None:
    found = [(layer.inputs, layer.outputs, layer.groups) for layer in layers(graph)]
    assert found == [(1, 4, 1), (4, 4, 4), (4, 3, 1)]
    assert all(layer.bias is not None for layer in layers(graph))


def test_each_output_and_input_channel_is_scaled_alone(graph: Graph) -> None:
    for layer in layers(graph):
        weight = layer.weight.data
        assert weight is not None
        rows = layer.each_input(weight)
        assert rows.shape == (layer.inputs, weight.size // layer.inputs)
        factors = np.arange(1, layer.inputs + 1, dtype=np.float32)
        scaled = layer.scaled_inputs(weight, factors)
        assert scaled.shape == weight.shape
        assert np.allclose(layer.each_input(scaled), rows * factors[:, None])
        outputs = np.arange(1, layer.outputs + 1, dtype=np.float32)
        ratio = layer.scaled_outputs(weight, outputs) / weight
        assert np.allclose(np.moveaxis(ratio, layer.out_axis, -1).reshape(-1, layer.outputs), outputs)


def test_an_operator_without_weights_is_no_layer(graph: Graph) -> None:
    assert [op.type for op in graph.ops if layer_of(graph, op) is None][-1].upper() in ("MEAN", "REDUCEMEAN")
