from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.contract import TensorSpec
from converters.graph import Op
from pipeline.drift.feeding import MIXED, NARROW, SAMPLES, WIDE, calibrated_on, chosen, fitted

SPEC = TensorSpec("t0", (1, 4), "float32")
NOISE = np.random.default_rng(0).normal(size=(500, 1, 4)).astype(np.float32)
PLAIN = graph([tensor(0), tensor(1)], [Op(0, "RELU", (0,), (1,))], (0,), (1,))


def quantized(dtype: str, scale: float, zero_point: int):
    tensors = [tensor(0), tensor(1, dtype=dtype, scale=(scale, zero_point))]
    return graph(tensors, [Op(0, "QUANTIZE", (0,), (1,))], (0,), (1,))


def made(*graphs, spec=SPEC):
    return fitted({"t0": NOISE}, (spec,), graphs)["t0"]


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "mean", "deviation"),
    [("int8", 1.0, -128, 127.5, 32), ("uint8", 0.5, 128, -0.25, 16), ("int16", 0.001, 0, 0.0, 8.2)],
)
def test_inputs_take_the_range_that_either_file_quantizes_first(dtype, scale, zero_point, mean, deviation):
    for graphs in ((PLAIN, quantized(dtype, scale, zero_point)), (quantized(dtype, scale, zero_point), PLAIN)):
        found = made(*graphs)
        assert found.mean() == pytest.approx(mean, abs=0.1 * deviation)
        assert found.std() == pytest.approx(deviation, rel=0.1)


def test_a_picture_of_16_bits_has_nothing_below_zero():
    noise = np.random.default_rng(0).normal(size=(20, 1, 3, 8, 8)).astype(np.float32)
    spec = TensorSpec("t0", (1, 3, 8, 8), "float32")
    found = fitted({"t0": noise}, (spec,), (PLAIN, quantized("int16", 0.001, 0)))["t0"]
    assert found.min() >= 0
    assert found.dtype == np.float32


def test_what_was_calibrated_on_noise_is_fed_with_noise():
    found = made(PLAIN, quantized("int8", 8 / 255, 0))
    plain = ~np.isin(np.arange(len(NOISE)), chosen(len(NOISE))[1::2])
    assert np.allclose(found[plain], NOISE[plain], atol=0.02)


def test_a_scale_of_onnx_is_read_from_its_constants():
    held = [tensor(2, data=np.float32([2.0])), tensor(3, data=np.uint8([10]), dtype="uint8")]
    one = graph([tensor(0), tensor(1, dtype="uint8"), *held], [Op(0, "QuantizeLinear", (0, 2, 3), (1,))], (0,), (1,))
    assert made(PLAIN, one).mean() == pytest.approx(235, abs=5)


def test_what_is_said_of_an_input_stays():
    given = quantized("int8", 1.0, -128)
    assert made(PLAIN, given, spec=dataclasses.replace(SPEC, limits=(0.0, 1.0))) is NOISE
    assert made(PLAIN, quantized("int8", 0.1, 0), spec=dataclasses.replace(SPEC, meaning="image")) is NOISE
    assert made(PLAIN, PLAIN) is NOISE


def test_a_picture_is_brought_into_the_range_only_where_it_lies_beyond_or_fills_next_to_nothing_of_it():
    spec = dataclasses.replace(SPEC, meaning="image")
    pixels = np.linspace(-1, 1, 2000, dtype=np.float32).reshape(500, 1, 4)
    found = fitted({"t0": pixels}, (spec,), (PLAIN, quantized("int8", 1 / 255, -128)))["t0"]
    assert (found.min(), found.max()) == pytest.approx((0, 1), abs=1e-6)
    assert np.array_equal(fitted({"t0": pixels}, (spec,), (quantized("int8", 2 / 255, 0),))["t0"], pixels)
    found = fitted({"t0": pixels}, (spec,), (quantized("int8", 1.0, -128),))["t0"]
    assert (found.min(), found.max()) == pytest.approx((0, 255), abs=1e-3)


def test_every_other_sample_that_is_looked_at_fills_more_of_the_range():
    """A variance falls fourfold where the width is guessed wrong: honest layer norms of 8 bits were FAILED."""
    found, seen = made(PLAIN, quantized("int8", 8 / 255, 0)), chosen(len(NOISE))
    wide = np.isin(np.arange(len(NOISE)), seen[1::2])
    assert len(seen) == SAMPLES
    assert found[wide].std() > 1.4 * found[~wide].std()
    assert np.allclose(found[wide], np.clip(2 * NOISE[wide], -4, 4), atol=0.04)


def test_samples_are_as_wide_as_those_that_ranges_were_found_on():
    wide = np.where(np.arange(16) % 2, 80, 40)[:, None]
    noise = np.random.default_rng(1).normal(size=(16, 50))
    squares = np.clip(noise * wide, -128, 127).astype(np.int8)
    inverse = np.clip(noise * 4000 / wide, -128, 127).astype(np.int8)
    assert calibrated_on([squares]) == NARROW
    assert calibrated_on([inverse]) == WIDE
    assert calibrated_on([squares // 4]) == calibrated_on([np.full((16, 50), 127, np.int8)]) == MIXED
    for widths, factor in ((NARROW, 1), (WIDE, 2)):
        plain = fitted({"t0": NOISE}, (SPEC,), (PLAIN, quantized("int8", 8 / 255, 0)), widths=widths)["t0"]
        assert np.allclose(plain, np.clip(factor * NOISE, -4, 4), atol=0.04)
