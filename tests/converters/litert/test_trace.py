from __future__ import annotations

import numpy as np
import pytest
from drift_models import dense
from flat_models import Graph, Op, T, affine, running_sum, save

from converters.errors import UnsupportedError
from converters.litert import tracer
from converters.litert.trace import run_segment, trace


def test_values_of_any_tensor_by_index(tmp_path):
    made = affine(tmp_path / "m.tflite")
    samples = [{"x": np.full((1, 2, 3), n, np.float32)} for n in range(3)]
    found = trace(made.path, samples, [3, 4])
    assert [found[index][:, 0, 0, 0].tolist() for index in (3, 4)] == [[0, 2, 4], [1, 3, 5]]


def test_one_operator_alone_takes_its_computed_inputs_only(tmp_path):
    inside = tracer.open(dense(tmp_path / "m.tflite"))
    op = inside.graph.ops[0]
    one, two = np.ones((1, 6), np.float32), np.full((1, 6), 0.25, np.float32)
    found = inside.run(dict(zip(op.inputs, np.array([[one, two], [two, one]]).swapaxes(0, 1), strict=True)), op.outputs)
    assert found[op.outputs[0]][:, 0, 0].tolist() == [0.75, -0.75]


def test_a_segment_runs_from_any_tensors_to_any(tmp_path):
    inside = tracer.open(dense(tmp_path / "m.tflite"))
    first, last = inside.graph.ops[0], inside.graph.ops[-1]
    rng = np.random.default_rng(2)
    stacks = {index: rng.normal(size=(3, 1, 6)).astype(np.float32) for index in first.inputs}
    whole = inside.run(stacks, [*first.outputs, *last.outputs])
    rest = inside.run({index: whole[index] for index in first.outputs}, last.outputs)
    np.testing.assert_array_equal(rest[last.outputs[0]], whole[last.outputs[0]])
    with pytest.raises(UnsupportedError, match="is needed and not given"):
        inside.run({}, last.outputs)


def test_a_call_of_another_graph_cannot_stand_alone(tmp_path):
    inside = tracer.open(running_sum(tmp_path / "m.tflite"))
    calling = next(op for op in inside.graph.ops if op.type == "CALL_ONCE")
    inputs = {index: np.zeros((1, 1), np.float32) for index in inside.graph.inputs}
    with pytest.raises(UnsupportedError, match=f"operator {calling.index} calls another graph"):
        run_segment(inside.artifact.path, [calling], inputs, [])


def test_a_file_that_runs_in_no_size_that_it_says_is_looked_into_in_that_of_the_samples(tmp_path):
    shape = np.array([2, 3], np.int32)
    tensors = [T("x", (1, 1)), T("shape", (2,), "int32", value=shape), T("r", (2, 3)), T("y", (2, 3))]
    ops = [Op("RESHAPE", ("x", "shape"), ("r",)), Op("ABS", ("r",), ("y",))]
    made = save(tmp_path / "m.tflite", Graph(tensors, ops, ("x",), ("y",), {"x": "x", "y": "y"}))
    found = trace(made.path, [{"x": np.full((1, 6), -n, np.float32)} for n in (1, 2)], [3])
    assert found[3][:, 0, 0].tolist() == [1, 2]


def test_a_number_stays_one_when_operators_run_alone(tmp_path):
    tensors = [T("x", ()), T("a", ()), T("y", ())]
    ops = [Op("NEG", ("x",), ("a",)), Op("ABS", ("a",), ("y",))]
    inside = tracer.open(save(tmp_path / "m.tflite", Graph(tensors, ops, ("x",), ("y",), {"x": "x", "y": "y"})))
    assert inside.run({1: np.float32([-3, 4])}, [2])[2].tolist() == [3, 4]
