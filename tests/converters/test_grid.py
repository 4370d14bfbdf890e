"""float32 tensors that once were narrower are found; honest ones, masks and constants are not accused."""

from __future__ import annotations

import numpy as np
import pytest

from converters.grid import grid_bits

RNG = np.random.default_rng(0)
SHAPES = [(64,), (8, 3, 3, 3), (1, 3, 3, 16), (128, 10), (40, 3, 3, 1)]


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def to_grid(values: np.ndarray, levels: int, axis: int | None) -> np.ndarray:
    axes = None if axis is None else tuple(i for i in range(values.ndim) if i != axis % values.ndim)
    step = np.abs(values).max(axis=axes, keepdims=True) / np.float32(levels)
    return (np.rint(values / step) * step).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_honest_weights_use_their_bits(shape: tuple[int, ...]) -> None:
    assert all(grid_bits(normal(*shape)) == 32 for _ in range(50))


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("shape", SHAPES[1:4])
def test_eight_bits_per_tensor_and_per_channel(shape: tuple[int, ...], axis: int | None) -> None:
    assert grid_bits(to_grid(normal(*shape), 127, axis)) == 8


@pytest.mark.parametrize("axis", [None, 0])
def test_sixteen_bit_integers(axis: int | None) -> None:
    assert grid_bits(to_grid(normal(64, 27), 32767, axis)) == 16


def test_float16_and_bfloat16() -> None:
    assert grid_bits(normal(64, 27).astype(np.float16).astype(np.float32)) == 16
    assert grid_bits((normal(64, 27).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)) == 16


def test_a_pruned_tensor_is_judged_by_what_is_left() -> None:
    values = normal(64, 27)
    values[RNG.random(values.shape) < 0.8] = 0
    assert grid_bits(values) == 32
    assert grid_bits(to_grid(values, 127, 0)) == 8


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((64, 64)),
        np.ones((64, 64)),
        np.eye(64),
        np.array(1 / 127.5),
        np.array([0.2860, 0.3530]),
        np.arange(8.0),
        np.zeros((0, 4)),
        np.tri(32),
    ],
    ids=["zeros", "ones", "eye", "scalar", "pair", "range", "empty", "mask"],
)
def test_masks_and_constants_tell_nothing(values: np.ndarray) -> None:
    assert grid_bits(values.astype(np.float32)) == 32


def test_broken_values_do_not_break_it() -> None:
    values = normal(64, 27)
    values[0, :3] = [np.nan, np.inf, -np.inf]
    assert grid_bits(values) == 32


def test_a_tensor_that_is_narrow_says_so() -> None:
    assert grid_bits(normal(4).astype(np.float16)) == 16


def test_float64_weights_use_their_bits() -> None:
    assert grid_bits(RNG.normal(size=(64, 27))) == 32
