from __future__ import annotations

import numpy as np
import pytest
from drift_models import tensor

from converters.graph import Quantization, Tensor
from pipeline.checks.drift.weights import differs

RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(8, 3, 3, 4)).astype(np.float32)
STEP = np.abs(KERNEL).max() / 127
STORED = RNG.integers(-127, 128, (8, 12)).astype(np.int8)


def broken(values):
    values = values.copy()
    values[1, 2, 0, 3] = np.nan
    return values


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        (KERNEL.transpose(0, 2, 1, 3), "height and width are exchanged"),
        (KERNEL[:, ::-1], "heights are reversed"),
        (np.roll(KERNEL, 1, 0), "output channels are shifted by one"),
        (KERNEL[..., [0, 2, 1, 3]], "input channels are in another order"),
        (KERNEL.transpose(3, 2, 1, 0).reshape(KERNEL.shape), "exchanged in memory, with the shape kept"),
        (KERNEL.astype(np.float16), "rounded to float16, under float32's name"),
        (np.rint(KERNEL / STEP) * STEP, "grid of 8 bits"),
        (-KERNEL, "the sign is exchanged"),
        (KERNEL * np.float32(255 / 256), "256 instead of 255"),
        (KERNEL * 0, "all values are zero"),
        (KERNEL + np.float32(0.5), "all values are off by 0.5"),
        (broken(KERNEL), "holds NaN or Inf"),
        (KERNEL[:4], "another size"),
        (np.where(np.arange(KERNEL.size).reshape(KERNEL.shape) == 100, 3, KERNEL), "single values differ"),
    ],
)
def test_what_happened_to_a_kernel_is_told(changed, cause):
    found = differs(tensor(0, data=KERNEL), tensor(0, data=changed))
    assert found is not None
    assert cause in found[1]


@pytest.mark.parametrize("error", [0, 1e-7, 5e-7])
def test_what_folding_leaves_is_no_difference(error):
    noise = (1 + error * RNG.normal(size=KERNEL.shape)).astype(np.float32)
    assert differs(tensor(0, data=KERNEL), tensor(1, data=KERNEL * noise)) is None


def test_a_quantized_constant_is_the_float_one_within_half_a_step():
    real = STORED * 0.02 + RNG.uniform(-0.0099, 0.0099, STORED.shape)
    quantized = tensor(0, data=STORED, dtype="int8", scale=(0.02, 0))
    assert differs(tensor(0, data=real), quantized) is None
    assert differs(tensor(0, data=real + 0.02), quantized) is not None


@pytest.mark.parametrize(("peak", "lost"), [(0.1, True), (0.0, False), (1e-4, False)])
def test_a_channel_of_zeros_is_lost_whatever_its_scale_unless_it_was_next_to_nothing(peak, lost):
    real = STORED * 0.02
    real[2] *= peak / np.abs(real[2]).max()
    stored = STORED.copy()
    stored[2] = 0
    scales = np.where(np.arange(8) == 2, 1.0, 0.02)
    found = differs(tensor(0, data=real), tensor(0, data=stored, dtype="int8", scale=(scales, np.zeros(8))))
    assert (found is not None) is lost


def test_integers_of_the_same_scale_must_be_the_same():
    other = STORED.copy()
    other[0, 0] += 1
    scales = (np.full(8, 0.02), np.zeros(8))
    one, two = (tensor(0, data=values, dtype="int8", scale=scales) for values in (STORED, other))
    assert "single values differ" in differs(one, two)[1]
    anew = tensor(0, data=other, dtype="int8", scale=(np.full(8, 0.02) * (1 + 3e-7), np.zeros(8)))
    assert differs(one, anew) is None, "quantized anew from weights that were folded otherwise"


@pytest.mark.parametrize(
    ("scales", "zeros", "cause"),
    [
        (np.roll(np.arange(1, 9) / 100, 1), np.zeros(8), "scales are shifted by one channel"),
        (np.arange(1, 9)[[1, 0, *range(2, 8)]] / 100, np.zeros(8), "scales stand at other channels"),
        (np.arange(1, 9) / 100 * ([2] + [1] * 7), np.zeros(8), "the weights' scale differs"),
        (np.arange(1, 9) / 100, np.ones(8), "the weights' zero point differs"),
        ([0.05], [0], "scales per channel and per tensor are exchanged"),
    ],
)
def test_equal_integers_with_other_scales_are_other_weights(scales, zeros, cause):
    right = tensor(0, data=STORED, dtype="int8", scale=(np.arange(1, 9) / 100, np.zeros(8)))
    found = differs(right, tensor(0, data=STORED, dtype="int8", scale=(scales, zeros)))
    assert cause in found[1]


def test_a_bias_below_half_a_step_of_its_channel_is_zero_and_a_channel_of_a_kernel_is_not():
    bias, scales = np.array([0.4, -0.3, 1.2, 0.1] * 2, np.float32), np.full(8, 1.0)
    stored = np.rint(bias)
    quantized = Quantization(scales, np.zeros(8, np.int64), 0)
    honest = Tensor(1, "b", (8,), "int32", stored.astype(np.int32), quantized)
    assert differs(Tensor(0, "b", (8,), "float32", bias), honest) is None
    kernel = np.tile(bias[:, None], (1, 4))
    rounded = Tensor(1, "k", (8, 4), "int8", np.rint(kernel).astype(np.int8), quantized)
    assert differs(Tensor(0, "k", (8, 4), "float32", kernel), rounded) is not None


def stored(values, axis=None, factor=1.0):
    """Values in 8 bits with one scale, or one for each slice of an axis."""
    others = tuple(n for n in range(values.ndim) if n != axis)
    scales = factor * np.abs(values).max(others if axis is not None else None, keepdims=True) / 127
    data = np.rint(values / scales * factor).astype(np.int8)
    return Tensor(
        0, "", data.shape, "int8", data, Quantization(scales.reshape(-1), np.zeros(scales.size, int), axis or 0)
    )


def test_a_kernel_with_a_scale_a_channel_is_the_one_with_a_scale_for_all():
    assert differs(stored(KERNEL, 0), stored(KERNEL)) is None
    assert differs(stored(KERNEL), stored(KERNEL, 0)) is None
    for wrong in (
        stored(KERNEL, factor=1.05),
        stored(np.roll(KERNEL, 1, 0)),
        stored(broken(KERNEL * 1).astype(int) * 1.0),
    ):
        assert differs(stored(KERNEL, 0), wrong) is not None


def number(value, scale, zero):
    stored_as = np.int8([np.rint(value / scale) + zero])
    return Tensor(0, "", (1,), "int8", stored_as, Quantization(np.array([scale]), np.array([zero])))


def test_a_number_at_the_end_of_its_range_may_be_the_same_integer_on_another_grid():
    one, two = number(0.255, 0.001, -128), number(0.254, 0.002, 0)
    assert one.data == two.data
    assert differs(one, two) is None
    assert differs(one, number(0.254 * 2, 0.004, 0)) is not None


def test_scales_belong_to_their_channels_where_axes_of_one_element_stand_elsewhere():
    flat = np.linspace(-0.8, 0.8, 24, dtype=np.float32)
    plain = Tensor(0, "", (1, 24, 1), "float32", flat.reshape(1, 24, 1))
    scales = np.linspace(0.9, 1.1, 24) / 127
    data = np.rint(flat / scales).astype(np.int8).reshape(1, 1, 24)
    assert differs(plain, Tensor(1, "", data.shape, "int8", data, Quantization(scales, np.zeros(24, int), 2))) is None
    wrong = Quantization(np.roll(scales, 12), np.zeros(24, int), 2)
    assert differs(plain, Tensor(1, "", data.shape, "int8", data, wrong)) is not None


@pytest.mark.parametrize("hidden", [-np.inf, np.inf])
def test_an_infinity_of_a_mask_is_itself_and_excuses_no_other_value(hidden):
    mask = np.where(KERNEL > 0, KERNEL, hidden).astype(np.float32)
    assert differs(tensor(0, data=mask), tensor(1, data=mask + np.float32(0))) is None
    other = mask.copy()
    other[np.unravel_index(np.argmax(KERNEL), KERNEL.shape)] *= 1.01
    assert differs(tensor(0, data=mask), tensor(1, data=other)) is not None
    assert differs(tensor(0, data=mask), tensor(1, data=KERNEL)) is not None
