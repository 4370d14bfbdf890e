from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from gates.test_drift_recurrences import steps, whole
from onnx import helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift


def put_in(path, kind, *held):
    """The steps, with one more operator behind the third sum of gates."""
    model = onnx.load(str(steps(path)))
    place = next(n for n, node in enumerate(model.graph.node) if node.output[0] == "n3")
    names = [f"held{n}" for n in range(len(held))]
    model.graph.initializer.extend(numpy_helper.from_array(np.float32(v), n) for v, n in zip(held, names, strict=True))
    model.graph.node[place].output[0] = "before"
    model.graph.node.insert(place + 1, helper.make_node(kind, ["before", *names], ["n3"]))
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("right") / "right.onnx")


def test_an_operator_put_into_one_step_is_told_itself(right, tmp_path):
    found = drift(right, put_in(tmp_path / "wrong.onnx", "Round"), "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Round")
    assert "as in no other step" in found.suspects[0].cause


def test_one_that_changes_nothing_is_none(right, tmp_path):
    found = drift(right, put_in(tmp_path / "same.onnx", "Mul", 1.0), "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
