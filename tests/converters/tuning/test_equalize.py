from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters.graph import Graph, Op, Tensor
from converters.litert.edit import with_constants
from converters.litert.graph import read_graph
from converters.litert.trace import trace
from converters.onnx.graph import read_graph as read_onnx
from converters.tuning.calibration import largest_by_channel
from converters.tuning.equalize import equalized, pairs_of

SAMPLES = [{"image": image} for image in outlier_nets.images()]


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return outlier_nets.tflite(tmp_path / "net.tflite").path


def largest(path: Path) -> dict[int, np.ndarray]:
    graph = read_graph(path)
    made = [op.outputs[0] for op in graph.ops]
    return largest_by_channel(graph, trace(path, SAMPLES, made))


def test_channels_come_to_like_size_and_the_function_stays_to_the_last_bit(net: Path, tmp_path: Path) -> None:
    graph, before = read_graph(net), largest(net)
    pairs = pairs_of(graph, before)
    assert [(pair.producer.type, [op.type for op in pair.consumers]) for pair in pairs] == [
        ("CONV_2D", ["DEPTHWISE_CONV_2D"]),
        ("DEPTHWISE_CONV_2D", ["FULLY_CONNECTED"]),
    ]
    made = tmp_path / "equalized.tflite"
    made.write_bytes(with_constants(net, equalized(graph, pairs)))
    wanted, got = (trace(path, SAMPLES, graph.outputs)[graph.outputs[0]] for path in (net, made))
    assert np.array_equal(wanted, got)
    after = largest(made)
    for index in (graph.ops[0].outputs[0], graph.ops[1].outputs[0]):
        assert before[index].max() / before[index].min() > 10
        assert after[index].max() / after[index].min() < 8


def test_factors_are_powers_of_two(net: Path) -> None:
    for pair in pairs_of(read_graph(net), largest(net)):
        assert np.array_equal(np.log2(pair.factors), np.rint(np.log2(pair.factors)))


def test_nothing_is_done_through_relu6(tmp_path: Path) -> None:
    bounded = outlier_nets.tflite(tmp_path / "six.tflite", activation="RELU6").path
    assert pairs_of(read_graph(bounded), largest(bounded)) == ()
    graph = read_onnx(outlier_nets.onnx_file(tmp_path / "six.onnx", activation="Clip").path)
    sizes = {op.outputs[0]: np.float32([1, 40, 1, 40]) for op in graph.ops}
    assert pairs_of(graph, sizes) == ()


def test_nothing_is_done_where_channels_are_alike(tmp_path: Path) -> None:
    graph = read_graph(outlier_nets.tflite(tmp_path / "net.tflite", gain=1.0).path)
    alike = {op.outputs[0]: np.ones(4, np.float32) for op in graph.ops}
    assert not [pair for pair in pairs_of(graph, alike) if pair.consumers[0].type == "DEPTHWISE_CONV_2D"]


def test_a_tensor_that_is_an_output_or_read_by_others_is_left_alone(net: Path) -> None:
    graph, sizes = read_graph(net), largest(net)
    shown = dataclasses.replace(graph, outputs=(*graph.outputs, graph.ops[0].outputs[0]))
    assert [pair.producer.type for pair in pairs_of(shown, sizes)] == ["DEPTHWISE_CONV_2D"]
    read = Op(9, "EXP", graph.ops[0].outputs, (99,))
    tensors = {**graph.tensors, 99: Tensor(99, "read", graph.tensors[graph.ops[0].outputs[0]].shape, "float32")}
    other = dataclasses.replace(graph, ops=(*graph.ops, read), tensors=tensors)
    assert [pair.producer.type for pair in pairs_of(other, sizes)] == ["DEPTHWISE_CONV_2D"]


def test_weights_that_two_layers_share_are_left_alone(net: Path) -> None:
    graph, sizes = read_graph(net), largest(net)
    twin = Op(9, "RELU", (graph.ops[1].inputs[1],), ())
    assert pairs_of(dataclasses.replace(graph, ops=(*graph.ops, twin)), sizes) == ()


def test_the_factors_reach_a_dense_layer_through_a_flattening(tmp_path: Path) -> None:
    """Behind a RESHAPE of (1, 1, 2, 3) to (1, 6) the inputs are channels 0 1 2 0 1 2."""
    graph = flattened()
    pairs = pairs_of(graph, {2: np.float32([1, 16, 1])})
    edits = equalized(graph, pairs)
    factors = pairs[0].factors
    assert np.ptp(np.log2(factors)) >= 1
    assert np.allclose(edits[5] / np.ones((2, 6)), np.tile(factors, 2))


def flattened() -> Graph:
    ones = {
        1: Tensor(1, "w", (3, 1, 1, 1), "float32", np.ones((3, 1, 1, 1), np.float32)),
        5: Tensor(5, "dense", (2, 6), "float32", np.ones((2, 6), np.float32)),
        3: Tensor(3, "sizes", (2,), "int32", np.int32([1, 6])),
    }
    shapes = {0: (1, 1, 2, 1), 2: (1, 1, 2, 3), 4: (1, 6), 6: (1, 2)}
    tensors = ones | {index: Tensor(index, f"t{index}", shape, "float32") for index, shape in shapes.items()}
    ops = (
        Op(0, "CONV_2D", (0, 1, -1), (2,), {"fusedActivationFunction": "RELU"}),
        Op(1, "RESHAPE", (2, 3), (4,)),
        Op(2, "FULLY_CONNECTED", (4, 5, -1), (6,)),
    )
    from converters.contract import Format

    return Graph(Format.TFLITE, tensors, ops, (0,), (6,), ("x",), ("y",))
