from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.drift.partly import mostly

RNG = np.random.default_rng(3)
TABLE = RNG.normal(size=(40, 24))


def rounded(values, bits=8):
    step = np.abs(values).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.rint(values / step) * step, np.broadcast_to(0.75 * step, values.shape)


def exchanged(values):
    return values[[1, 0, *range(2, len(values))]]


def lost(values):
    return np.where(np.arange(values.shape[1]) == 5, 0.0, values)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("change", [exchanged, lost])
def test_what_was_changed_in_a_rounded_table_is_a_part_of_it(change, bits):
    got, allowed = rounded(change(TABLE), bits)
    found = mostly(TABLE, got, allowed)
    assert found is not None
    assert found.changed < 0.12


def test_most_of_a_kernel_is_told_in_another_layout_and_scaled_by_channel():
    scales = RNG.uniform(0.3, 3.0, (40, 1))
    got, allowed = rounded(exchanged(TABLE * scales))
    found = mostly(TABLE.T, got, allowed)
    assert found is not None
    assert found.layout.order == (1, 0)
    assert found.changed < 0.12


@pytest.mark.parametrize("bits", [4, 8])
def test_another_kernel_is_no_part(bits):
    got, allowed = rounded(RNG.normal(size=TABLE.shape), bits)
    assert mostly(TABLE, got, allowed) is None


def test_masks_and_permuted_kernels_are_no_part():
    mask = (RNG.uniform(size=(20, 20)) > 0.5).astype(float)
    assert mostly(mask, exchanged(mask), np.full(mask.shape, 0.01)) is None
    got, allowed = rounded(TABLE[:, RNG.permutation(24)])
    assert mostly(TABLE, got, allowed) is None
