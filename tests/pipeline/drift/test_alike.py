from __future__ import annotations

import numpy as np
import onnx
import onnx_files
from drift_models import dense
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift.alike import alike
from pipeline.drift.work import Work
from pipeline.lone import open_artifact


def test_a_fused_activation_that_changed_is_told_by_the_graphs(tmp_path):
    a, b = dense(tmp_path / "a.tflite"), dense(tmp_path / "b.tflite", activation=3)
    work = Work(a, b, None, InProcess(), config.load().limits)
    found = alike(work.ask(a, "graph"), work.ask(b, "graph"), work)
    assert found.outcome is Outcome.FAILED
    assert [suspect.cause for suspect in found.suspects] == ["RELU became RELU6"]


def scaled(path, *nodes, halves=False):
    """x (1, 4), through `nodes` to s, times a matrix, relu; with `halves` the matrix is w16, in float16."""
    rng = np.random.default_rng(0)
    values = {"w": rng.normal(size=(4, 3)), "two": np.array(2.0), "half": np.array(0.5), "nearly": np.array(0.999)}
    stored = [numpy_helper.from_array(values.pop("w").astype(np.float16), "w16")] if halves else []
    kept = stored + [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    rest = [helper.make_node("MatMul", ["s", "w"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, n))] for name, n in (("x", 4), ("y", 3))]
    graph = helper.make_graph([*nodes, *rest], "g", *ends, kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def judged(one, two):
    pool, limits = InProcess(), config.load().limits
    a, b = (open_artifact(path, pool, limits)[0] for path in (one, two))
    work = Work(a, b, None, pool, limits)
    return alike(work.ask(a, "graph"), work.ask(b, "graph"), work)


def test_another_way_to_write_the_same_is_no_fault_and_is_said(tmp_path):
    one = scaled(tmp_path / "a.onnx", helper.make_node("Mul", ["x", "two"], ["s"]))
    other = scaled(tmp_path / "b.onnx", helper.make_node("Div", ["x", "half"], ["s"]))
    found = judged(one, other)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert "written another way, and each piece alone gives the same: Div" in found.notes


def test_what_only_looks_like_another_way_is_a_fault(tmp_path):
    one = scaled(tmp_path / "a.onnx", helper.make_node("Mul", ["x", "two"], ["s"]))
    other = scaled(tmp_path / "b.onnx", helper.make_node("Div", ["x", "two"], ["s"]))
    found = judged(one, other)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type == "Div"


def test_a_detour_through_half_precision_is_no_other_way(tmp_path):
    times = helper.make_node("Mul", ["x", "two"], ["t"])
    there = helper.make_node("Cast", ["t"], ["h"], to=TensorProto.FLOAT16)
    back = helper.make_node("Cast", ["h"], ["s"], to=TensorProto.FLOAT)
    one = scaled(tmp_path / "a.onnx", helper.make_node("Mul", ["x", "two"], ["s"]))
    found = judged(one, scaled(tmp_path / "b.onnx", times, there, back))
    assert found.outcome is Outcome.FAILED
    assert "Cast" in {suspect.b.op_type for suspect in found.suspects}


def test_one_layer_whose_weights_alone_differ_is_no_other_way_however_little_they_do(tmp_path):
    weight = onnx_files.WEIGHT.copy()
    weight[1, 2] += np.float32(2e-5)
    found = judged(onnx_files.saved(tmp_path / "a.onnx"), onnx_files.saved(tmp_path / "b.onnx", weight))
    assert found.outcome is Outcome.FAILED
    assert [(suspect.kind, suspect.b.op_type) for suspect in found.suspects] == [("weights", "MatMul")]


def test_weights_that_are_only_stored_in_half_precision_give_the_same_values_to_everybody(tmp_path):
    def file(name, *nodes):
        return scaled(
            tmp_path / name, helper.make_node("Cast", ["w16"], ["w"], to=TensorProto.FLOAT), *nodes, halves=True
        )

    one = file("a.onnx", helper.make_node("Mul", ["x", "two"], ["s"]))
    factor = helper.make_node("Mul", ["t", "nearly"], ["s"])
    assert judged(one, file("b.onnx", helper.make_node("Div", ["x", "half"], ["s"]))).outcome is Outcome.PASSED
    assert judged(one, file("c.onnx", helper.make_node("Mul", ["x", "two"], ["t"]), factor)).outcome is Outcome.FAILED
