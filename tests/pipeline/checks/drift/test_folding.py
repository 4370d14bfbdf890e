from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import folding
from pipeline.checks.drift.known import Known

KERNEL = np.random.default_rng(0).normal(size=(6, 3, 3, 5))
SCALE = np.random.default_rng(1).uniform(0.5, 2, size=6)


def constant(values, step=None):
    return folding.Held(0, Op(0, "CONV", (0,), (1,)), values, step, None)


@pytest.mark.parametrize("scale", [np.ones(6), SCALE])
def test_a_constant_is_found_in_another_layout_scaled_by_channel(scale):
    (found,) = folding.folded([constant(KERNEL.transpose(0, 3, 1, 2))], [constant(KERNEL * scale[:, None, None, None])])
    assert np.allclose(found.scale.reshape(-1), scale)
    assert found.distance < 1e-9
    assert np.allclose(folding.substituted(found), KERNEL.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("one", "other", "coarser"),
    [
        ({"half": True}, {}, True),
        ({}, {"half": True}, False),
        ({"half": True, "palettized": True}, {"half": True}, True),
        ({"half": True}, {"half": True}, False),
        ({"palettized": True}, {"palettized": True, "half": True}, False),
    ],
)
def test_integers_are_coarser_than_16_bits_and_these_than_32(one, other, coarser):
    first, second = (dataclasses.replace(constant(KERNEL), **kind) for kind in (one, other))
    assert first.coarser(second) is coarser


def test_other_weights_are_not_taken_for_it():
    assert not folding.folded([constant(KERNEL)], [constant(np.roll(KERNEL, 1, 0))])


def test_the_weights_of_operators_are_those_that_are_constant_or_never_change():
    ops = [Op(0, "DEQUANTIZE", (2,), (3,)), Op(1, "FC", (0, 3), (1,))]
    tensors = [tensor(0), tensor(1), tensor(2, data=np.ones((4, 4)), dtype="int8", scale=(0.5, 0)), tensor(3, (4, 4))]
    values = {0: np.random.default_rng(0).normal(size=(2, 1, 4)), 3: np.ones((2, 4, 4), np.float32)}
    side = Known(graph(tensors, ops, (0,), (1,)), values)
    assert [one.index for one in folding.held(side, ops)] == [2, 3]
    assert [one.rounded for one in folding.held(side, ops)] == [True, True]


@pytest.mark.parametrize("bits", [8, 16])
def test_what_an_operator_makes_of_integers_is_on_their_grid(bits):
    integers = np.random.default_rng(0).integers(0, 2**bits, size=(16, 32)).astype(f"uint{bits}")
    expanded = ((integers.astype(np.float64) - 100) * 0.3 / 2**bits).astype(np.float32)
    tensors = [tensor(0), tensor(1), tensor(2, data=integers, dtype=f"uint{bits}"), tensor(3, (16, 32))]
    ops = [Op(0, "DequantizeLinear", (2,), (3,)), Op(1, "Add", (0, 3), (1,))]
    values = {0: np.random.default_rng(1).normal(size=(2, 16, 32)), 3: np.stack([expanded, expanded])}
    side = Known(graph(tensors, ops, (0,), (1,)), values)
    (found,) = [one for one in folding.held(side, ops) if one.index == 3]
    assert found.step is not None
    assert np.allclose(found.step, 0.3 / 2**bits, rtol=1e-4)


def test_coarse_rounding_is_known_again_and_another_kernel_is_not():
    step = np.broadcast_to(np.abs(KERNEL).max((1, 2, 3), keepdims=True) / 5, KERNEL.shape)
    coarse = constant(np.rint(KERNEL / step) * step, step)
    (found,) = folding.folded([constant(KERNEL)], [coarse])
    assert found.distance > folding.NEAR
    assert not folding.folded([constant(KERNEL[::-1])], [coarse])


def test_a_table_of_few_values_is_a_rounding_without_steps():
    table = np.quantile(KERNEL, np.linspace(0.02, 0.98, 16))
    values = table[np.abs(KERNEL[..., None] - table).argmin(-1)]
    held = folding.Held(0, Op(0, "CONV", (0,), (1,)), values, None, None, palettized=True)
    assert held.rounded
    (found,) = folding.folded([constant(KERNEL)], [held])
    assert np.array_equal(folding.substituted(found), values)


def test_scales_of_weights_are_no_weights_and_a_bias_in_another_shape_is_not_rounded():
    rng = np.random.default_rng(2)
    integers, scales, bias = rng.integers(-9, 9, (6, 5)), rng.uniform(1, 2, 6), rng.normal(size=6).astype(np.float32)
    tensors = [
        tensor(0, (1, 5)), tensor(1, data=integers, dtype="int8"), tensor(2, data=scales), tensor(3, (6, 5)),
        tensor(4, data=bias), tensor(5, (1, 6)), tensor(6, (1, 6)),
    ]  # fmt: skip
    ops = [
        Op(0, "DequantizeLinear", (1, 2), (3,)), Op(1, "Reshape", (4,), (5,)), Op(2, "Gemm", (0, 3, 5), (6,)),
    ]  # fmt: skip
    recorded = {
        0: rng.normal(size=(2, 1, 5)).astype(np.float32),
        3: np.repeat((integers * scales[:, None])[None], 2, 0).astype(np.float32),
        5: np.repeat(bias[None, None], 2, 0),
        6: rng.normal(size=(2, 1, 6)).astype(np.float32),
    }
    found = {one.index: one for one in folding.held(Known(graph(tensors, ops, (0,), (6,)), recorded), ops)}
    assert set(found) == {3, 5}
    assert found[3].op.type == found[5].op.type == "Gemm"
    assert found[3].step is not None
    assert not found[5].rounded


def test_a_lost_slice_is_not_put_into_the_reference():
    lost = KERNEL.copy()
    lost[:, :, :, 3] = 0
    (found,) = folding.folded([constant(KERNEL)], [constant(lost)])
    assert np.allclose(folding.substituted(found), KERNEL)


def test_a_bias_that_is_merely_near_an_offset_of_a_batch_norm_is_another_constant():
    rng = np.random.default_rng(2)
    offset, factor = rng.normal(size=16), rng.uniform(0.9, 1.1, 16)
    mean = 0.05 * rng.normal(size=16)
    norm = [
        folding.Held(place, Op(0, "BN", (0,), (1,)), values, None, None)
        for place, values in enumerate((factor, offset, mean))
    ]
    step = np.full(16, 2e-5)
    bias = folding.Held(9, Op(0, "CONV", (0,), (1,)), np.rint((offset - mean * factor) / step) * step, step, None)
    assert not folding.folded(norm, [bias])
    (found,) = folding.folded(norm, [folding.Held(9, bias.op, np.rint(offset / step) * step, step, None)])
    assert found.a is norm[1]


def test_a_lone_number_beside_a_vector_is_none():
    vector, number = np.arange(1.0, 7), np.array(2.0)
    (found,) = folding.folded([constant(vector), constant(number)], [constant(vector * 1.001)])
    assert found.a.values is vector
