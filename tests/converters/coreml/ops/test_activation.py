"""Activations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converters.coreml.ops.activation import KERNELS

X = np.array([-8.0, -2.0, -0.5, 0.0, 0.5, 2.0, 8.0], np.float32)


def _sigmoid(v: float) -> float:
    return 1 / (1 + math.exp(-v))


@pytest.mark.parametrize(
    ("name", "parameters", "function"),
    [
        ("relu6", {}, lambda v: min(max(v, 0), 6)),
        ("leaky_relu", {"alpha": 0.1}, lambda v: v if v >= 0 else 0.1 * v),
        ("clamped_relu", {"alpha": 0.1, "beta": 1.0}, lambda v: min(v if v >= 0 else 0.1 * v, 1)),
        ("thresholded_relu", {"alpha": 0.5}, lambda v: v if v >= 0.5 else 0),
        ("elu", {"alpha": 0.7}, lambda v: v if v >= 0 else 0.7 * math.expm1(v)),
        ("gelu", {}, lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2)))),
        ("gelu", {"mode": "SIGMOID_APPROXIMATION"}, lambda v: v * _sigmoid(1.702 * v)),
        (
            "gelu",
            {"mode": "TANH_APPROXIMATION"},
            lambda v: 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
        ),
        ("silu", {}, lambda v: v * _sigmoid(v)),
        ("sigmoid_hard", {"alpha": 0.2, "beta": 0.5}, lambda v: min(max(0.2 * v + 0.5, 0), 1)),
        ("linear_activation", {"alpha": 2.0, "beta": 1.0}, lambda v: 2 * v + 1),
        ("scaled_tanh", {"alpha": 2.0, "beta": 0.5}, lambda v: 2 * math.tanh(0.5 * v)),
        ("softplus", {}, lambda v: math.log1p(math.exp(v))),
        ("softsign", {}, lambda v: v / (1 + abs(v))),
    ],
)
def test_by_their_formula(name: str, parameters: dict[str, object], function: object) -> None:
    wanted = [function(float(v)) for v in X]
    np.testing.assert_allclose(KERNELS[name](x=X, **parameters), wanted, rtol=1e-5, atol=1e-6)


def test_parameters_of_channels_lie_along_axis_1() -> None:
    x, alpha = -np.ones((2, 3, 4), np.float32), np.array([1, 2, 3], np.float32)
    np.testing.assert_array_equal(KERNELS["prelu"](x=x, alpha=alpha)[:, :, 0], [[-1, -2, -3]] * 2)
    soft = KERNELS["softplus_parametric"](x=x, alpha=alpha, beta=alpha)
    np.testing.assert_allclose(soft[0, 2, 0], 3 * math.log1p(math.exp(-3)), rtol=1e-5)


def test_softmax_of_large_values() -> None:
    x = np.array([[1000.0, 1000.0, 0.0]], np.float32)
    np.testing.assert_allclose(KERNELS["softmax"](x=x, axis=-1), [[0.5, 0.5, 0]])
    np.testing.assert_allclose(KERNELS["softmax"](x=x, axis=0), [[1, 1, 1]])
