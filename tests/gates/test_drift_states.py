"""Faults in what a .tflite file keeps from call to call: resource variables, which no reader's inputs tell."""

from __future__ import annotations

import pytest
from flat_models import running_sum
from gates.in_process import InProcess

from benchmarks.mutation.flat import File
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift


@pytest.mark.parametrize(("gone", "rest"), [("CALL_ONCE", "begin"), ("ASSIGN_VARIABLE", "kept")])
def test_a_state_that_does_not_begin_or_is_not_kept_fails(tmp_path, gone, rest):
    right, wrong = running_sum(tmp_path / "right.tflite").path, tmp_path / "wrong.tflite"
    file = File.read(right)
    file.graph.operators = [op for op in file.ops if file.type(op) != gone]
    file.write(wrong)
    found = drift(right, wrong, "", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects[0].a.op_type) == (Outcome.FAILED, gone)
    assert rest in found.suspects[0].cause
    assert drift(right, right, "", InProcess(), config.load().limits).outcome is Outcome.PASSED
