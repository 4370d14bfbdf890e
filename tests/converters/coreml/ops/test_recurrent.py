"""Recurrent layers, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from converters.coreml.ops.recurrent import gru, lstm, rnn

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 2, 3))
H, C = RANDOM.standard_normal((2, 5)), RANDOM.standard_normal((2, 5))


def _weights(gates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(RANDOM.standard_normal(shape) for shape in ((gates * 5, 3), (gates * 5, 5), (gates * 5,)))


def _s(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def test_lstm_by_its_formula() -> None:
    wi, wh, b = _weights(4)
    h, c = H, C
    for x in X:
        i, f, o, z = np.split(x @ wi.T + h @ wh.T + b, 4, axis=1)
        c = _s(f) * c + _s(i) * np.tanh(z)
        h = _s(o) * np.tanh(c)
    steps, last, cell = lstm(X, H, C, wi, wh, b, output_sequence=True)
    np.testing.assert_allclose((steps[-1], last, cell), (h, h, c))
    assert lstm(X, H, C, wi, wh, b)[0].shape == (1, 2, 5)


def test_directions() -> None:
    wi, wh, b = _weights(4)
    ahead = lstm(X, H, C, wi, wh, b, output_sequence=True)
    back = lstm(X[::-1], H, C, wi, wh, b, output_sequence=True)
    reverse = lstm(X, H, C, wi, wh, b, direction="reverse", output_sequence=True)
    np.testing.assert_allclose(reverse[0], back[0][::-1])
    both = np.concatenate([H, H], 1), np.concatenate([C, C], 1)
    found = lstm(X, *both, wi, wh, b, None, wi, wh, b, direction="bidirectional", output_sequence=True)
    np.testing.assert_allclose(found[0], np.concatenate([ahead[0], back[0][::-1]], axis=2))
    np.testing.assert_allclose(found[1], np.concatenate([ahead[1], back[1]], axis=1))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_gru_and_rnn_by_their_formulas(direction: str) -> None:
    steps = X if direction == "forward" else X[::-1]
    wi, wh, b = _weights(3)
    h = H
    for x in steps:
        (ir, io, iz), (hr, ho, hz) = np.split(x @ wi.T + b, 3, axis=1), np.split(h @ wh.T, 3, axis=1)
        z = _s(iz + hz)
        h = (1 - z) * np.tanh(io + _s(ir + hr) * ho) + z * h
    np.testing.assert_allclose(gru(X, H, wi, wh, b, direction)[1], h)
    wi, wh, b = _weights(1)
    h = H
    for x in steps:
        h = np.maximum(x @ wi.T + h @ wh.T + b, 0)
    np.testing.assert_allclose(rnn(X, H, wi, wh, b, direction, True, "relu")[1], h)
