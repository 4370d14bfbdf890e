"""Convolutions against sums over every place, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from converters.coreml.ops import convolution
from converters.coreml.ops.convolution import conv, conv_transpose, padding

RANDOM = np.random.default_rng(0)


def _slow(x: np.ndarray, w: np.ndarray, stride: tuple[int, int], dilation: tuple[int, int], groups: int) -> np.ndarray:
    rows, columns = ((x.shape[2 + a] - (w.shape[2 + a] - 1) * dilation[a] - 1) // stride[a] + 1 for a in (0, 1))
    made = np.zeros((x.shape[0], w.shape[0], rows, columns))
    inside, outside = x.shape[1] // groups, w.shape[0] // groups
    for o, r, c, i, h, v in itertools.product(*map(range, (w.shape[0], rows, columns, inside, *w.shape[2:]))):
        channel = o // outside * inside + i
        made[:, o, r, c] += (
            w[o, i, h, v] * x[:, channel, r * stride[0] + h * dilation[0], c * stride[1] + v * dilation[1]]
        )
    return made


@pytest.mark.parametrize("limit", [convolution.LARGEST_WINDOWS, 0], ids=["matrices", "place by place"])
@pytest.mark.parametrize(
    ("channels", "out", "groups", "stride", "dilation"),
    [(3, 4, 1, (1, 1), (1, 1)), (4, 6, 2, (2, 1), (1, 2)), (4, 4, 4, (1, 2), (2, 1)), (3, 6, 3, (2, 2), (1, 1))],
)
def test_two_axes(
    channels: int,
    out: int,
    groups: int,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(convolution, "LARGEST_WINDOWS", limit)
    x = RANDOM.standard_normal((2, channels, 7, 9)).astype(np.float32)
    w = RANDOM.standard_normal((out, channels // groups, 3, 2)).astype(np.float32)
    bias = np.arange(out, dtype=np.float32)
    made = conv(x, w, bias, stride, "custom", (1, 0, 2, 1), dilation, groups)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (2, 1)))
    np.testing.assert_allclose(made, _slow(padded, w, stride, dilation, groups) + bias[:, None, None], atol=1e-5)


def test_the_gradient_is_the_adjoint_of_the_convolution() -> None:
    x, y = RANDOM.standard_normal((1, 4, 6, 7)), RANDOM.standard_normal((1, 6, 3, 7))
    w = RANDOM.standard_normal((6, 2, 3, 3))
    how = {"strides": (2, 1), "groups": 2, "pad_type": "custom", "pad": (1, 1, 1, 1)}
    forward = conv(x, w, **how)
    back = conv_transpose(y, w, output_shape=(1, 4, 6, 7), **how)
    np.testing.assert_allclose((forward * y).sum(), (x * back).sum(), rtol=1e-5)


def test_same_puts_the_odd_place_behind_and_same_lower_before() -> None:
    assert padding("same", None, (7, 8), (3, 4), (2, 2), (1, 1)) == [(1, 1), (1, 1)]
    assert padding("same", None, (8,), (3,), (2,), (1,)) == [(0, 1)]
    assert padding("same_lower", None, (8,), (3,), (2,), (1,)) == [(1, 0)]
    assert conv_transpose(np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), pad_type="same", strides=(2, 2)).shape[2:] == (
        10,
        10,
    )
