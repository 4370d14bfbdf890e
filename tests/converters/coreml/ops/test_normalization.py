"""Normalisations by their formulas."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.normalization import batch_norm, instance_norm, l2_norm, layer_norm, local_response_norm

X = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
G, B = np.array([1, 2, 3], np.float32), np.array([3, 2, 1], np.float32)


def test_one_mean_a_channel() -> None:
    made = batch_norm(X, B, G, G, B, 1e-3)
    wanted = (X[:, 1] - 2) / np.sqrt(2 + 1e-3) * 2 + 2
    np.testing.assert_allclose(made[:, 1], wanted, rtol=1e-5)


def test_over_each_sample_and_channel() -> None:
    made = instance_norm(X, G, B, 0.0)
    np.testing.assert_allclose(made.mean((2, 3)), np.broadcast_to(B, (2, 3)), atol=1e-5)
    np.testing.assert_allclose(made.std((2, 3)), np.broadcast_to(G, (2, 3)), rtol=1e-5)


def test_over_axes_with_a_scale_of_their_shape() -> None:
    gamma = np.arange(20, dtype=np.float32).reshape(4, 5)
    made = layer_norm(X, np.array([-1, -2]), gamma, None, 0.0)
    plain = layer_norm(X, np.array([2, 3]), None, None, 0.0)
    np.testing.assert_allclose(made, plain * gamma, rtol=1e-5)
    np.testing.assert_allclose(layer_norm(X, [1]).std(1), np.ones((2, 4, 5)), rtol=1e-3)


def test_lengths_and_neighbours() -> None:
    np.testing.assert_allclose(np.square(l2_norm(X, 0.0)).sum((1, 2, 3)), [1, 1], rtol=1e-5)
    made = local_response_norm(X, 3, 0.3, 1.0, 1.0)
    wanted = X[:, 0] / (1 + 0.1 * (X[:, 0] ** 2 + X[:, 1] ** 2))
    np.testing.assert_allclose(made[:, 0], wanted, rtol=1e-5)
