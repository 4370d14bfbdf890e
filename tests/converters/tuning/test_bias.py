from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters.litert.graph import read_graph
from converters.litert.trace import trace
from converters.tuning.bias import corrected
from converters.tuning.isolate import Isolated

SAMPLES = [{"image": image} for image in outlier_nets.images()]
SHIFT = np.float32([0.5, 0, -0.25, 0])


def test_a_mean_error_of_a_channel_goes_into_its_bias(tmp_path: Path) -> None:
    path = outlier_nets.tflite(tmp_path / "net.tflite", activation="NONE").path
    graph = read_graph(path)
    op = graph.ops[0]
    wanted = trace(path, SAMPLES, op.outputs)[op.outputs[0]]
    edits = corrected(graph, [Isolated(op, op.outputs[0], wanted, wanted - SHIFT)])
    before = graph.tensors[op.inputs[2]].data
    assert list(edits) == [op.inputs[2]]
    assert edits[op.inputs[2]] - before == pytest.approx(SHIFT, abs=1e-5)


def test_values_that_an_activation_cut_off_do_not_count(tmp_path: Path) -> None:
    path = outlier_nets.tflite(tmp_path / "net.tflite", gain=1.0).path
    graph = read_graph(path)
    op = graph.ops[0]
    wanted = trace(path, SAMPLES, op.outputs)[op.outputs[0]]
    got = np.where(wanted > 0, wanted - SHIFT, wanted)  # zeros stayed zeros
    edits = corrected(graph, [Isolated(op, op.outputs[0], wanted, got)])
    assert edits[op.inputs[2]] - graph.tensors[op.inputs[2]].data == pytest.approx(SHIFT, abs=1e-5)


def test_an_operator_without_a_bias_is_left_alone(tmp_path: Path) -> None:
    graph = read_graph(outlier_nets.tflite(tmp_path / "net.tflite").path)
    mean = graph.ops[2]
    assert corrected(graph, [Isolated(mean, mean.outputs[0], np.ones((2, 1, 4)), np.zeros((2, 1, 4)))]) == {}
