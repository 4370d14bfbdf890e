from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from gates import mini

from converters.contract import Precision, TensorSpec
from pipeline.checks.conditioning import FACTOR, LEAST_SNR_DB, MOST_REL_RANGE, NUDGE, eased, noise, nudged, told
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity, parity_beside, spared

GATE = mini.gates().parity[Precision.FP32]
Y = (TensorSpec("y", (1, 50), "float32"),)
RANDOM = np.random.default_rng(0)
RIGHT = {"y": RANDOM.normal(size=(64, 1, 50)).astype(np.float32)}


def off(by: float, seed: int = 1) -> dict[str, np.ndarray]:
    """The right outputs, each value off by up to a share of the range."""
    moved = by * np.ptp(RIGHT["y"]) * np.random.default_rng(seed).uniform(-1, 1, RIGHT["y"].shape)
    return {"y": (RIGHT["y"] + moved).astype(np.float32)}


def test_floats_move_by_roundings_and_nothing_else_does() -> None:
    given = {"x": RANDOM.uniform(-2, 2, (5, 1, 9)).astype(np.float32), "n": np.arange(5).reshape(5, 1)}
    found = nudged(given)
    assert np.array_equal(found["n"], given["n"])
    moved = np.abs(found["x"] - given["x"])
    assert 0 < moved.max() <= 2 * NUDGE * 4
    assert np.array_equal(nudged(given)["x"], found["x"])


def test_a_well_conditioned_model_is_held_to_the_gate() -> None:
    known = noise(RIGHT, off(1e-7), Y)
    assert eased(GATE, known) == GATE
    assert told(GATE, known) == ""


def test_honest_kernels_of_an_ill_conditioned_model_pass_and_it_is_said() -> None:
    known = noise(RIGHT, off(1e-4), Y)
    honest = off(1.5e-4, seed=2)
    assert check_parity(RIGHT, honest, Y, GATE).outcome is Outcome.FAILED
    check = parity_beside(RIGHT, honest, Y, GATE, known)
    assert check.outcome is Outcome.PASSED
    assert "moves the reference by" in check.reasons[-1]


@pytest.mark.parametrize("by", [2e-3, 1e-2])
@pytest.mark.parametrize("noisy", [1e-4, 1e-2])
def test_an_error_beyond_the_noise_or_beyond_what_any_noise_excuses_fails(by: float, noisy: float) -> None:
    check = parity_beside(RIGHT, off(by, seed=2), Y, GATE, noise(RIGHT, off(noisy), Y))
    assert check.outcome is Outcome.FAILED


def test_where_rounding_alone_comes_near_the_end_nobody_can_tell_what_is_little_beyond_it() -> None:
    known = noise(RIGHT, off(8e-4), Y)
    assert known["max_rel_range"] < MOST_REL_RANGE
    for by, outcome in ((1.3e-3, Outcome.UNDECIDED), (1e-2, Outcome.FAILED)):
        got = off(by, seed=2)
        check = spared(parity_beside(RIGHT, got, Y, GATE, known), RIGHT, got, Y, GATE, known)
        assert check.outcome is outcome


def test_what_is_allowed_has_an_end() -> None:
    gate = eased(GATE, noise(RIGHT, off(0.3), Y))
    assert gate.max_rel_range == MOST_REL_RANGE
    assert gate.min_snr_db == LEAST_SNR_DB
    known = {"max_rel_range": 1e-4, "snr_db": 90.0, "moving_snr_db": 85.0}
    assert eased(GATE, known).max_rel_range == pytest.approx(FACTOR * 1e-4)
    assert dataclasses.replace(eased(GATE, known), max_rel_range=0, min_snr_db=0, min_moving_snr_db=0) == (
        dataclasses.replace(GATE, max_rel_range=0, min_snr_db=0, min_moving_snr_db=0)
    )


def test_outputs_that_are_no_numbers_excuse_nothing() -> None:
    assert noise(RIGHT, {"y": np.full((64, 1, 50), np.nan, np.float32)}, Y) == {}
    assert eased(GATE, {}) == GATE
