from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.drift.grids import Grid
from pipeline.checks.drift.stepwise import grain, in_steps, roughly, stepwise

GRID = Grid(0.1, 0.0, -128, 127)
WANT = np.random.default_rng(0).normal(size=(8, 4, 50)) * 4


def judged(got, roundings=1.0):
    return stepwise(WANT, got, GRID, 4, roundings)


def test_rounding_and_clipping_agree():
    found = judged(GRID.settled(WANT))
    assert found.agrees
    assert found.excess < 0.5


@pytest.mark.parametrize("shift", [1, -1])
def test_a_zero_point_off_by_one_is_a_mean_error_of_one_step(shift):
    found = judged(GRID.settled(WANT + 0.1 * shift))
    assert not found.agrees
    assert found.mean == pytest.approx(shift, abs=0.05)
    assert f"mean error {shift:.2f}" in found.said()


def test_one_channel_and_a_slope_are_found():
    channel = WANT.copy()
    channel[:, 2] += 0.1
    assert not judged(GRID.settled(channel)).agrees
    assert not judged(GRID.settled(WANT * 1.03)).agrees


def test_more_roundings_may_be_farther():
    noisy = GRID.settled(WANT + 0.08 * np.random.default_rng(1).normal(size=WANT.shape) + 0.05)
    assert judged(noisy, 2.0).agrees
    assert not judged(noisy, 1.0).agrees


def test_inner_rounding_is_judged_by_signal_to_error():
    assert roughly(WANT, WANT * 1.02, 4).agrees
    assert not roughly(WANT, WANT * 1.2, 4).agrees


def test_errors_of_several_roundings_add_up_as_squares():
    assert not roughly(WANT, WANT * 1.15, 4, 2).agrees
    assert roughly(WANT, WANT * 1.15, 4, 4).agrees


def test_of_16_bits_eight_steps_are_one():
    grid = Grid(0.001, 0.0, -32768, 32767)
    table = np.random.default_rng(2).uniform(-16, 16, WANT.shape) * grid.scale
    assert stepwise(WANT, grid.settled(WANT + table), grid, 4, 1.0).agrees
    assert not stepwise(WANT, grid.settled(WANT * 1.03), grid, 4, 1.0).agrees
    assert not stepwise(WANT, grid.settled(WANT + 4 * grid.scale), grid, 4, 1.0).agrees


def test_means_and_slopes_do_not_add_up_over_many_roundings():
    assert judged(GRID.settled(WANT + 0.3 * np.random.default_rng(3).normal(size=WANT.shape)), 16.0).agrees
    assert not judged(GRID.settled(WANT + 0.1), 16.0).agrees or judged(GRID.settled(WANT + 0.1), 16.0).excess > 0.9
    assert not judged(GRID.settled(WANT + 0.2), 16.0).agrees
    assert not judged(GRID.settled(WANT * 1.06), 16.0).agrees
    far = WANT + 2 * np.random.default_rng(3).normal(size=WANT.shape)
    assert not judged(GRID.settled(far), 16.0).agrees


def test_where_steps_inside_are_carried_far_more_is_allowed():
    far = GRID.settled(WANT + 0.5 * np.random.default_rng(3).normal(size=WANT.shape))
    assert not stepwise(WANT, far, GRID, 4, 3.0).agrees
    assert stepwise(WANT, far, GRID, 4, 3.0, grain(WANT, [WANT + 1.5, WANT - 1.5], GRID)).agrees
    assert grain(WANT, [WANT + 0.1], GRID) == 1.0


def test_an_error_in_steps_is_rounding_where_it_is_small_and_goes_both_ways():
    rng = np.random.default_rng(0)
    rounding = rng.uniform(-0.5, 0.5, (16, 4, 6))
    assert in_steps(rounding, 8).agrees
    assert in_steps(np.where(rounding > 0.4, np.nan, rounding), 8).agrees
    for wrong in (rounding + 0.5, rounding * 5, rounding + np.float64([0, 0, 1, 0]).reshape(4, 1)):
        assert not in_steps(wrong, 8).agrees


def test_a_lone_value_near_zero_is_held_against_what_is_usual():
    want = np.float64([[0.01], [4.0], [-3.0], [5.0]])
    assert roughly(want, want + 0.02, 4).agrees
    assert not roughly(want, want * 1.3, 4).agrees
    assert not roughly(np.repeat(want, 32, 1), np.repeat(want + 0.02, 32, 1), 4).agrees
