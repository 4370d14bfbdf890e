from __future__ import annotations

import dataclasses

import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.compare import compare
from pipeline.configs import load_configs
from pipeline.drift import drift
from pipeline.drift.ordering import ordered
from pipeline.lone import open_artifact

LIMITS = config.load().limits


def apart(path, first, second, turned=False):
    """y = a - tanh(b) of two inputs of one size, which stand in the file the other way round where `turned`."""
    nodes = [helper.make_node("Tanh", [second], ["h"]), helper.make_node("Sub", [first, "h"], ["y"])]
    names = [second, first] if turned else [first, second]
    taken = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 6)) for name in names]
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 6))
    graph = helper.make_graph(nodes, "g", taken, [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("turned", [False, True])
def test_inputs_without_a_name_in_common_are_told_by_what_comes_out(tmp_path, turned):
    right = apart(tmp_path / "a.onnx", "near", "far")
    other = apart(tmp_path / "b.onnx", "one", "two", turned)
    assert drift(right, other, "", InProcess(tmp_path), LIMITS).outcome is Outcome.PASSED
    found = compare(right, other, "", load_configs(None, None)[1], InProcess(tmp_path), LIMITS)
    assert {check.outcome for check in found.checks if check.required} == {Outcome.PASSED}


def test_a_name_that_both_have_is_never_given_up(tmp_path):
    a, b = (
        open_artifact(apart(tmp_path / f"{turned}.onnx", "near", "far", turned), InProcess(tmp_path), LIMITS)[0]
        for turned in (False, True)
    )
    assert ordered(a, b, None, InProcess(tmp_path), LIMITS) == b
    exchanged = dataclasses.replace(b, path=apart(tmp_path / "c.onnx", "far", "near"))
    assert ordered(a, exchanged, None, InProcess(tmp_path), LIMITS) == exchanged
