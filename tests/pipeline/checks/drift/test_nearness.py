from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.drift.nearness import HALF_EPS, Nearness, half_share, leaning, near
from pipeline.checks.drift.stepwise import roughly

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(64, 500)).astype(np.float32)
INPUTS = RNG.normal(size=(6, 500)).astype(np.float32)
NUDGED = [INPUTS * (1 + np.float32(2**-22) * RNG.choice([-1, 1], INPUTS.shape)).astype(np.float32) for _ in range(2)]


def judged(weights, eps=2.0**-23, inputs=INPUTS):
    moved = np.stack([values @ WEIGHTS.T for values in NUDGED])
    got = inputs.astype(np.float64) @ weights.astype(np.float64).T
    return near(inputs @ WEIGHTS.T, got, moved, 4, eps)


def test_another_order_of_sums_agrees_and_weights_in_16_bits_do_not():
    assert judged(WEIGHTS).agrees
    assert judged(WEIGHTS).excess < 0.3
    rounded = judged(WEIGHTS.astype(np.float16))
    assert not rounded.agrees
    assert rounded.excess > 5
    assert rounded.real
    assert judged(WEIGHTS.astype(np.float16), HALF_EPS).agrees


def test_a_value_that_is_not_finite_on_recorded_values_is_a_fault():
    broken = WEIGHTS.copy()
    broken[3, 3] = np.nan
    assert not judged(broken).agrees


def test_what_only_made_up_values_show_says_so():
    changed = WEIGHTS @ INPUTS[:, :].T
    want = np.minimum(changed.T, 1e9)
    got = want.copy()
    got[5] *= 1.5
    found = near(want, got, np.stack([want, want]), 4)
    assert (found.agrees, found.real) == (False, False)
    assert "on made-up values" in found.said()


def test_the_share_of_half_precision_counts_floats_alone():
    assert half_share(["float16", "float32", "int64", "float16", "float16"]) == 0.75
    assert half_share(["int8"]) == 0.0


def test_a_factor_shows_in_the_slope_of_half_precision_and_rounding_does_not():
    want = INPUTS @ WEIGHTS.T
    halves = want.astype(np.float16).astype(np.float64)
    fine = Nearness(True, 0.5, 0.0)
    assert leaning(fine, want, halves, want[None], 4, 0) is fine
    found = leaning(fine, want, halves * 1.001, want[None], 4, 0)
    assert not found.agrees
    assert "slope 1.00" in found.said()
    assert leaning(fine, want, halves * 1.0004, want[None], 4, 1) is fine


def test_a_factor_shows_beside_rows_of_another_size_a_few_values_of_which_outweigh_all():
    """Made-up rows are up to thousands of times as large: what two of their values are rounded to decides nothing."""
    want = RNG.normal(size=(6, 400))
    want[5, :3] *= 30_000
    halves = want.astype(np.float16).astype(np.float64)
    fine = Nearness(True, 0.5, 0.0)
    assert leaning(fine, want, halves, want[None], 4, 0) is fine
    assert not leaning(fine, want, halves * 0.999, want[None], 4, 0).agrees


def test_an_offset_shows_in_the_mean_error_of_half_precision_also_of_one_channel():
    want = RNG.normal(size=(6, 3, 400))
    halves = want.astype(np.float16).astype(np.float64)
    fine = Nearness(True, 0.5, 0.0)
    found = leaning(fine, want, halves + 0.01, want[None], 4, 0)
    assert not found.agrees
    assert found.mean == pytest.approx(0.01, rel=0.05)
    assert "mean error 0.0" in found.said()
    halves[:, 1] += 0.01
    assert not leaning(fine, want, halves, want[None], 4, 0).agrees


def test_values_that_are_all_alike_round_alike():
    want = np.full((6, 4000), 0.3334)
    assert leaning(Nearness(True, 0.5, 0.0), want, want.astype(np.float16), want[None], 4, 0).agrees


@pytest.mark.parametrize("compare", [near, lambda want, got, moved, recorded: roughly(want, got, recorded)])
def test_in_a_row_where_a_sigmoid_is_saturated_kernels_give_0_or_nearly_0(compare):
    want = np.array([[0.2, 0.9, 0.4], [0.0, 0.0, 0.0], [1e-12, 0.0, 2e-12]])
    kernels = want + np.array([[0.0], [1e-9], [2e-8]])
    assert compare(want, kernels, want[np.newaxis], 3).agrees
    assert not compare(want, want + np.array([[0.0], [0.0], [1e-3]]), want[np.newaxis], 3).agrees
    assert not compare(want[1:], kernels[1:], want[np.newaxis, 1:], 2).agrees  # where nothing else is known
    order = [1, 2, 0]  # only a made-up row tells how large the values can be
    assert compare(want[order], kernels[order], want[np.newaxis, order], 2).agrees
    off = kernels[order] * np.array([[1.0], [1.0], [1.001]]) + np.array([[0.0], [0.0], [0.1]])
    assert not compare(want[order], off, want[np.newaxis, order], 2).agrees


def test_rows_that_are_divided_by_a_rounded_value_each_lean_on_their_own():
    """As in basic-pitch: what each sample is divided by, its greatest value, is rounded once for all of it."""
    want = np.random.default_rng(3).uniform(0, 1, (6, 400))
    lean = 1 + 1e-4 * np.array([[-2.78], [-2.57], [-3.46], [-3.03], [0.49], [2.94]])
    got = (want * lean).astype(np.float16)
    fine = Nearness(True, 0.5, 0.0)
    assert leaning(fine, want, got, want[None], 3, 0) is fine
    assert not leaning(fine, want, (want * lean * 0.999).astype(np.float16), want[None], 3, 0).agrees


@pytest.mark.parametrize(("offset", "agrees"), [(-2.6521523e-6, True), (-1e-6, False)])
def test_what_float16_cannot_store_finer_near_zero_is_no_offset(offset, agrees):
    """A row of a hard swish that gives zeros holds the offset behind it alone: a text recognizer's file was red."""
    large = RNG.normal(size=(4, 60)).astype(np.float16).astype(np.float64)
    want = np.concatenate([large, np.zeros((2, 60))]) - 2.6521523e-6
    got = np.concatenate([large, np.zeros((2, 60)) + offset]).astype(np.float16).astype(np.float64)
    assert leaning(Nearness(True, 0.5, 0.0), want, got, want[None], 4, 0).agrees is agrees
