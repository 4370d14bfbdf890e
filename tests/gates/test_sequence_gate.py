"""Faults that one call hides and sequences show: the gate `sequence` fails on each, beside a parity that passes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from gates import mini
from gates.recurrent import CARRIED, HONEST, SIGNATURE, Fed, Recurrent, samples

from converters.carry import STEPS, in_8_bits, run_carried, states
from converters.contract import Arrays, Precision
from pipeline.checks import conditioning, sequence
from pipeline.checks.gates import ParityGate
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity
from pipeline.checks.sequence import check_sequence

GATES = mini.gates().parity
INPUTS = samples()
RIGHT = run_carried(Fed(HONEST), INPUTS, CARRIED)


def judged(net: Recurrent, precision: str = "fp32", noise: conditioning.Noise | None = None, **own: Arrays) -> Check:
    inputs, right = own.get("inputs", INPUTS), own.get("right", RIGHT)
    got = run_carried(Fed(net), inputs, CARRIED)
    fed = sequence.Fed(right, got, CARRIED, STEPS, noise or {})
    return check_sequence(fed, SIGNATURE.outputs, GATES[Precision(precision)])


def one_call(net: Recurrent, gate: ParityGate, inputs: Arrays = INPUTS) -> Outcome:
    return check_parity(HONEST(inputs), net(inputs), SIGNATURE.outputs, gate).outcome


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_an_honest_file_passes_and_its_error_is_told_by_step(precision: str) -> None:
    found = judged(HONEST, precision)
    assert found.outcome is Outcome.PASSED
    assert found.metrics["state"] == "stateN -> state"
    assert (found.metrics["steps"], found.metrics["growth"]) == (STEPS, None)


def test_a_state_that_fades_a_little_faster_is_within_one_call_and_not_within_many() -> None:
    fault = dataclasses.replace(HONEST, keep=HONEST.keep - 0.002)
    assert one_call(fault, GATES[Precision.FP16]) is Outcome.PASSED
    found = judged(fault, "fp16")
    assert found.outcome is Outcome.FAILED
    assert found.metrics["first_rel_range"] == 0  # the state begins as zeros, which fade to zeros
    assert found.metrics["last_rel_range"] > 0.005
    assert "its own state went back in (stateN -> state), 32 calls" in found.reasons


def test_a_state_of_8_bits_that_small_updates_never_move() -> None:
    """Every update is less than half a step: each call is right to a rounding, and the state stays at 0 for ever."""
    quiet = samples(size=0.02, seed=1)
    quiet = {**quiet, "state": quiet["state"] / 8}
    stuck = dataclasses.replace(HONEST, step=0.2)
    assert one_call(stuck, GATES[Precision.INT8], quiet) is Outcome.PASSED
    right = run_carried(Fed(HONEST), quiet, CARRIED)
    ranges = {n: (float(v.min()), float(v.max())) for n, v in {**quiet, **states(quiet, right, CARRIED)}.items()}
    noise = conditioning.noise(right, run_carried(Fed(HONEST), quiet, CARRIED, ranges=ranges), SIGNATURE.outputs)
    found = judged(stuck, "int8", noise, inputs=quiet, right=right)
    assert found.outcome is Outcome.FAILED


def test_a_state_that_comes_out_as_it_went_in() -> None:
    class Stale(Recurrent):
        def __call__(self, inputs: Arrays) -> Arrays:
            return {**super().__call__(inputs), "stateN": inputs["state"]}

    assert judged(Stale(w=HONEST.w, v=HONEST.v), "int8").outcome is Outcome.FAILED


def test_a_state_that_is_no_number_fails_where_it_came_out() -> None:
    class Odd(Recurrent):
        def __call__(self, inputs: Arrays) -> Arrays:
            return {name: value * np.float32(np.nan) for name, value in super().__call__(inputs).items()}

    found = judged(Odd(), "int8", {"max_rel_range": 9.0, "snr_db": -20.0})
    assert found.outcome is Outcome.FAILED
    assert "NaN or Inf" in found.reasons[0]


def test_a_reference_that_says_nothing_in_sequence_decides_nothing() -> None:
    silent = {name: np.zeros_like(values) for name, values in INPUTS.items()}
    right = run_carried(Fed(HONEST), silent, CARRIED)
    found = judged(HONEST, inputs=silent, right=right)
    assert found.outcome is Outcome.UNDECIDED
    assert "these inputs prove nothing of sequences" in found.reasons[0]


def test_what_the_model_loses_by_rounding_alone_decides_nothing_and_more_than_that_fails() -> None:
    """A state that grows: every rounding grows with it."""
    wild = dataclasses.replace(HONEST, keep=1.05)
    right = run_carried(Fed(wild), INPUTS, CARRIED)
    few = {"x": (-3.0, 3.0), "state": (float(right["stateN"].min()), float(right["stateN"].max()))}
    rounded = run_carried(Fed(wild), INPUTS, CARRIED, ranges=few)
    noise = conditioning.noise(right, rounded, SIGNATURE.outputs)
    fed = sequence.Fed(right, rounded, CARRIED, STEPS, noise)
    tight = dataclasses.replace(GATES[Precision.FP32], reason="test")
    assert check_sequence(fed, SIGNATURE.outputs, tight).outcome is Outcome.UNDECIDED
    faulty = run_carried(Fed(dataclasses.replace(wild, gain=-1.0)), INPUTS, CARRIED)
    failed = sequence.Fed(right, faulty, CARRIED, STEPS, noise)
    assert check_sequence(failed, SIGNATURE.outputs, tight).outcome is Outcome.FAILED
    assert in_8_bits(INPUTS["x"], few["x"]).shape == INPUTS["x"].shape
