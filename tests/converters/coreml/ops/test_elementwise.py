"""Operators on each value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converters.coreml.ops.elementwise import KERNELS

X = np.array([-1.5, -0.5, 0.0, 0.5, 2.5], np.float32)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("abs", abs),
        ("erf", math.erf),
        ("exp2", lambda v: 2**v),
        ("atan", math.atan),
        ("ceil", math.ceil),
        ("square", lambda v: v * v),
    ],
)
def test_unary(name: str, function: object) -> None:
    np.testing.assert_allclose(KERNELS[name](x=X), [function(float(v)) for v in X], rtol=1e-6)


def test_rounding_is_half_to_even_and_casting_cuts() -> None:
    np.testing.assert_array_equal(KERNELS["round"](x=X), [-2, -0.0, 0, 0, 2])
    np.testing.assert_array_equal(KERNELS["cast"](x=X, dtype="int32"), [-1, 0, 0, 0, 2])
    assert KERNELS["cast"](x=X, dtype="fp16").dtype == np.float32, "rounding is the interpreter's"


def test_epsilons_are_added_before() -> None:
    np.testing.assert_allclose(KERNELS["inverse"](x=np.float32([1.0]), epsilon=0.25), [0.8])
    np.testing.assert_allclose(KERNELS["rsqrt"](x=np.float32([3.0]), epsilon=1.0), [0.5])
    np.testing.assert_allclose(KERNELS["log"](x=np.float32([0.0]), epsilon=1.0), [0.0])


def test_binary_operators_broadcast_and_integers_divide_as_integers() -> None:
    a, b = np.array([[7], [-7]], np.int32), np.array([2, 3], np.int32)
    np.testing.assert_array_equal(KERNELS["floor_div"](x=a, y=b), [[3, 2], [-4, -3]])
    np.testing.assert_array_equal(KERNELS["real_div"](x=a, y=b), [[3, 2], [-3, -2]])
    np.testing.assert_array_equal(KERNELS["mod"](x=a, y=b), [[1, 1], [1, 2]])
    np.testing.assert_array_equal(KERNELS["select"](cond=a > 0, a=a, b=b), [[7, 7], [2, 3]])
    np.testing.assert_array_equal(KERNELS["clip"](x=X, alpha=-1.0, beta=2.0), [-1, -0.5, 0, 0.5, 2])
    np.testing.assert_array_equal(KERNELS["threshold"](x=X, alpha=0.25), [0.25, 0.25, 0.25, 0.5, 2.5])
