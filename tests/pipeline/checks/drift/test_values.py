from __future__ import annotations

import numpy as np
import pytest
from drift_models import tensor

from pipeline.checks.drift.values import agree, agree_in_half, agree_on_other_ranges, distance

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(4, 1, 50)).astype(np.float32)
STORED = RNG.integers(-100, 100, (4, 1, 500)).astype(np.int8)
EIGHT = tensor(0, dtype="int8", scale=(0.1, 0))


def test_float_noise_agrees_and_half_precision_does_not():
    plain = tensor(0)
    assert agree(REAL, REAL * np.float32(1 + 1e-6), plain, plain).agrees
    assert not agree(REAL, REAL.astype(np.float16), plain, plain).agrees
    assert not agree(REAL, REAL * np.nan, plain, plain).agrees
    assert not agree(REAL, REAL[:, :, :9], plain, plain).agrees


def test_one_step_here_and_there_agrees_and_one_step_everywhere_does_not():
    some = STORED + (RNG.random(STORED.shape) < 0.1).astype(np.int8)
    assert agree(STORED, some, EIGHT, EIGHT).agrees
    found = agree(STORED, STORED + np.int8(1), EIGHT, EIGHT)
    assert not found.agrees
    assert found.intercept == pytest.approx(1.0)
    assert "mean error 1.00" in found.said()


def test_stored_values_are_compared_as_what_they_stand_for():
    finer = tensor(0, dtype="int16", scale=(0.01, 5))
    assert agree(STORED, STORED.astype(np.int16) * 10 + 5, EIGHT, finer).agrees


def test_one_operator_alone_may_only_round_otherwise():
    plain = tensor(0)
    assert not agree(REAL, REAL * np.float32(1 + 1e-5), plain, plain, exact=True).agrees
    assert agree(STORED, STORED, EIGHT, EIGHT, exact=True).agrees
    once = np.where(np.arange(STORED.size).reshape(STORED.shape) == 7, STORED + 1, STORED)
    assert not agree(STORED, once, EIGHT, EIGHT, exact=True).agrees


def test_half_precision_may_round_in_another_order():
    want = np.linspace(-1, 1, 500)[None]
    noisy = want + 3e-4 * np.random.default_rng(0).normal(size=want.shape)
    assert not agree(want, noisy, tensor(0), tensor(1)).agrees
    assert agree_in_half(want, noisy, tensor(0), tensor(1)).agrees
    assert not agree_in_half(want, want * 1.01, tensor(0), tensor(1)).agrees
    assert not agree_in_half(want, want * 0.999, tensor(0), tensor(1)).agrees


def test_two_calibrations_round_differently_and_give_the_same_roughly():
    other = tensor(0, dtype="int8", scale=(0.17, 0))
    again = np.rint(STORED * 0.1 / 0.17).astype(np.int8)
    assert agree_on_other_ranges(STORED, again, EIGHT, other).agrees
    assert not agree_on_other_ranges(STORED, again[:, :, ::-1], EIGHT, other).agrees


def test_infinities_that_are_equal_are_no_distance_apart():
    inf, nan = np.inf, np.nan
    found = distance(np.array([1.0, inf, -inf, inf, 0.0, nan]), np.array([3.0, inf, -inf, -inf, -inf, 1.0]))
    assert found.tolist()[:5] == [2.0, 0.0, 0.0, inf, inf]
    assert np.isnan(found[5])
