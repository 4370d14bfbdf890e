"""Inputs of one value: what they decide against is no part of a comparison, and a file without them is compared."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import pytest
from gates import mini
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Format
from pipeline import config
from pipeline.bound import bound
from pipeline.checks.outcome import Outcome
from pipeline.compare import compare
from pipeline.drift import drift
from pipeline.lone import open_artifact
from pipeline.request import parse_inputs

LIMITS = config.load().limits


def two_rates(path, *, factor=1.0, other=1.0, branches=True):
    """x (1, 6), rate (): a layer for a rate of 16 and another for the rest; or the one for 16 alone, and no rate."""
    rng = np.random.default_rng(0)
    wide, narrow = (rng.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
    held = {"wide": wide * np.float32(factor), "narrow": narrow * np.float32(other), "sixteen": np.int64(16)}
    nodes = [helper.make_node("Tanh", ["x"], ["t"])]
    if branches:
        bodies = {
            name: helper.make_graph([helper.make_node("MatMul", ["t", name], [f"{name}_out"])], name, [], [out])
            for name in ("wide", "narrow")
            for out in [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, [1, 4])]
        }
        nodes.append(helper.make_node("Equal", ["rate", "sixteen"], ["is"]))
        nodes.append(helper.make_node("If", ["is"], ["m"], then_branch=bodies["wide"], else_branch=bodies["narrow"]))
    else:
        nodes.append(helper.make_node("MatMul", ["t", "wide"], ["m"]))
    nodes.append(helper.make_node("Softmax", ["m"], ["y"]))
    ins = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])]
    ins += [helper.make_tensor_value_info("rate", TensorProto.INT64, [])] if branches else []
    kept = [numpy_helper.from_array(np.asarray(v), k) for k, v in held.items() if branches or k == "wide"]
    graph = helper.make_graph(nodes, "g", ins, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], kept)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def verdict(a, b, rate="16"):
    return drift(a, b, "", InProcess(a.parent), LIMITS, parse_inputs([f"rate={rate}"]))


@pytest.mark.parametrize("turned", [False, True])
def test_a_file_without_the_input_is_the_model_at_that_value(tmp_path, turned):
    files = two_rates(tmp_path / "both.onnx"), two_rates(tmp_path / "one.onnx", branches=False)
    found = verdict(*(files[::-1] if turned else files))
    assert (found.outcome, found.suspects, found.coverage["weights_compared"]) == (Outcome.PASSED, (), 1.0)


def test_at_another_value_it_is_not(tmp_path):
    found = verdict(two_rates(tmp_path / "both.onnx"), two_rates(tmp_path / "one.onnx", branches=False), "8")
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "MatMul")


@pytest.mark.parametrize(
    ("changed", "outcome"), [({"factor": 1.01}, Outcome.FAILED), ({"other": 1.01}, Outcome.PASSED)]
)
def test_a_weight_counts_where_the_value_takes_it(tmp_path, changed, outcome):
    found = verdict(two_rates(tmp_path / "a.onnx"), two_rates(tmp_path / "b.onnx", **changed))
    assert found.outcome is outcome
    assert outcome is Outcome.PASSED or found.suspects[0].b.op_type == "MatMul"


def test_beside_a_file_of_another_format_that_takes_the_input_it_stays(tmp_path):
    pool = InProcess(tmp_path)
    a = open_artifact(two_rates(tmp_path / "a.onnx"), pool, LIMITS, parse_inputs(["rate=16"]))[0]
    other = dataclasses.replace(a, format=Format.TFLITE)
    assert bound(a, other, pool, LIMITS) == (a, other)


def test_without_a_value_nothing_is_written(tmp_path):
    pool = InProcess(tmp_path)
    a = open_artifact(two_rates(tmp_path / "a.onnx"), pool, LIMITS)[0]
    assert bound(a, a, pool, LIMITS) == (a, a)


def test_compare_judges_the_same_and_tells_of_the_users_files(tmp_path):
    files = two_rates(tmp_path / "both.onnx"), two_rates(tmp_path / "one.onnx", branches=False)
    gates, sizes = mini.gates(), parse_inputs(["rate=16"])
    found = compare(*files, "", gates, InProcess(tmp_path), LIMITS, sizes=sizes)
    assert {check.outcome for check in found.checks} == {Outcome.PASSED}
    assert found.drift is not None
    assert found.drift.a == str(files[0])
