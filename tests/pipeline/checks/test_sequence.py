"""What the check `sequence` tells; the faults that it finds are in tests/gates/test_sequence_gate.py."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from gates import mini
from gates.recurrent import CARRIED, HONEST, SIGNATURE, samples
from gates.recurrent import Fed as Session

from converters.carry import run_carried
from converters.contract import Precision
from pipeline.checks.outcome import Outcome
from pipeline.checks.sequence import Fed, check_sequence

GATE = mini.gates().parity[Precision.FP16]


def test_the_error_of_the_first_and_the_last_call_and_how_it_grew() -> None:
    inputs = samples(64)
    right = run_carried(Session(HONEST), inputs, CARRIED, steps=8)
    got = run_carried(Session(dataclasses.replace(HONEST, keep=0.9)), inputs, CARRIED, steps=8)
    found = check_sequence(Fed(right, got, CARRIED, 8, {}), SIGNATURE.outputs, GATE)
    assert found.name == "sequence"
    assert found.metrics["first_rel_range"] == 0
    assert found.metrics["last_rel_range"] > 0.01
    assert found.metrics["samples"] == 64
    shifted = {name: values + np.float32(0.01) for name, values in right.items()}
    even = check_sequence(Fed(right, shifted, CARRIED, 8, {}), SIGNATURE.outputs, GATE)
    assert even.metrics["growth"] == pytest.approx(1.0, rel=1e-3)


def test_outputs_that_are_missing_fail() -> None:
    right = run_carried(Session(HONEST), samples(32), CARRIED)
    found = check_sequence(Fed(right, {"y": right["y"]}, CARRIED, 32, {}), SIGNATURE.outputs, GATE)
    assert found.outcome is Outcome.FAILED
    assert "missing output `stateN`" in found.reasons[0]
