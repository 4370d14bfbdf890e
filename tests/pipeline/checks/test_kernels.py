from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.gates import KernelsGate
from pipeline.checks.kernels import check_kernels, grid_step
from pipeline.checks.outcome import Outcome

GATE = KernelsGate(max_rel_range=1e-4, min_snr_db=60, max_steps=1, min_near_share=0.99, reason="test")
RNG = np.random.default_rng(0)
FLOATS = {"y": RNG.normal(size=(40, 10)).astype(np.float32)}
SCALE = np.float32(0.0123)
STORED = RNG.integers(-128, 128, (40, 10))


def dequantized(stored: np.ndarray) -> dict[str, np.ndarray]:
    return {"y": (stored.astype(np.float32) - np.float32(7)) * SCALE}


def test_equal_outputs_pass_and_say_that_they_are_equal() -> None:
    check = check_kernels(FLOATS, FLOATS, "home", GATE)
    assert check.outcome is Outcome.PASSED
    assert check.metrics == {"home": "home", "equal_share": 1.0, "max_rel_range": 0.0}


def test_a_float_output_is_judged_by_its_range() -> None:
    span = float(np.ptp(FLOATS["y"]))
    near, far = {"y": FLOATS["y"].copy()}, {"y": FLOATS["y"].copy()}
    near["y"][3, 2] += 0.5e-4 * span
    far["y"][3, 2] += 5e-4 * span
    assert check_kernels(FLOATS, near, "home", GATE).outcome is Outcome.PASSED
    check = check_kernels(FLOATS, far, "litert-xnnpack", GATE)
    assert check.outcome is Outcome.FAILED
    assert "differs from litert-xnnpack's by 0.0005" in check.reasons[0]
    assert "worst sample 3" in check.reasons[0]


@pytest.mark.parametrize(("steps", "outcome"), [(1, Outcome.PASSED), (3, Outcome.PASSED), (4, Outcome.FAILED)])
def test_an_8_bit_output_is_judged_by_its_steps(steps: int, outcome: Outcome) -> None:
    moved = STORED.copy()
    moved[5, 1] += steps if moved[5, 1] < 100 else -steps
    check = check_kernels(dequantized(STORED), dequantized(moved), "home", GATE)
    assert check.outcome is outcome
    assert check.metrics["max_steps"] == steps
    assert check.metrics["equal_share"] == pytest.approx(1 - 1 / 400)


def test_stored_integers_are_steps() -> None:
    moved = STORED.astype(np.int8)
    moved[0, 0] ^= 4
    check = check_kernels({"y": STORED.astype(np.int8)}, {"y": moved}, "home", GATE)
    assert check.outcome is Outcome.FAILED
    assert check.metrics["max_steps"] == 4


def test_what_cannot_be_laid_beside_fails() -> None:
    assert check_kernels(FLOATS, {}, "home", GATE).outcome is Outcome.FAILED
    assert check_kernels({}, {}, "home", GATE).outcome is Outcome.FAILED
    assert check_kernels(FLOATS, {"y": FLOATS["y"][:, :9]}, "home", GATE).outcome is Outcome.FAILED
    broken = {"y": np.where(np.arange(10) == 3, np.nan, FLOATS["y"]).astype(np.float32)}
    check = check_kernels(FLOATS, broken, "home", GATE)
    assert check.outcome is Outcome.FAILED
    assert "NaN" in check.reasons[0]


def test_a_grid_is_seen_only_where_there_is_one() -> None:
    assert grid_step(dequantized(STORED)["y"]) == pytest.approx(float(SCALE), rel=1e-4)
    assert grid_step(FLOATS["y"]) == 0.0
    assert grid_step(np.float32([0.1, 0.27, 0.33, 0.7])) == 0.0
    assert grid_step(np.float32([1.0, 1.0])) == 0.0


def test_the_rounding_of_a_shader_does_not_hide_the_grid() -> None:
    home = dequantized(STORED)
    moved = STORED.copy()
    moved[5, 1] += 1 if moved[5, 1] < 100 else -1
    noisy = {"y": dequantized(moved)["y"] * (1 + 2e-7 * RNG.normal(size=STORED.shape)).astype(np.float32)}
    check = check_kernels(home, noisy, "home", GATE)
    assert check.outcome is Outcome.PASSED
    assert check.metrics["max_steps"] == 1


def test_a_few_values_two_steps_off_are_forgiven_and_many_are_not() -> None:
    few, many = STORED.copy(), STORED.copy()
    few[0, :3] += np.where(few[0, :3] < 100, 2, -2)
    many[:, 0] += np.where(many[:, 0] < 100, 2, -2)
    assert check_kernels(dequantized(STORED), dequantized(few), "home", GATE).outcome is Outcome.PASSED
    check = check_kernels(dequantized(STORED), dequantized(many), "home", GATE)
    assert check.outcome is Outcome.FAILED
    assert "90.00% of the values lie within 1" in check.reasons[0]
