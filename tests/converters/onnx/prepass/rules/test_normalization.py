"""Normalizations, their epsilons and what they give out beside."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import model_of, normal, replaced


def _statistics(channels: int) -> dict[str, np.ndarray]:
    return {"s": normal(channels), "b": normal(channels), "m": normal(channels), "v": np.abs(normal(channels)) + 0.1}


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)], ids=str)
def test_of_a_batch(shape, tmp_path):
    x = normal(*shape)
    replaced(tmp_path, model_of("BatchNormalization", x, _statistics(3), epsilon=1e-2), x)


def test_of_a_batch_while_it_trains(tmp_path):
    x = normal(4, 3, 5)
    form = {"training_mode": 1, "momentum": 0.7, "outputs": 3}
    replaced(tmp_path, model_of("BatchNormalization", x, _statistics(3), **form), x)


def test_of_an_instance(tmp_path):
    x = normal(2, 3, 4, 5)
    constants = {"s": normal(3), "b": normal(3)}
    replaced(tmp_path, model_of("InstanceNormalization", x, constants, epsilon=1e-2), x)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_of_a_layer(axis, tmp_path):
    x = normal(2, 3, 4)
    rest = x.shape[axis % 3 :]
    made = model_of("LayerNormalization", x, {"s": normal(*rest), "b": normal(*rest)}, axis=axis, outputs=3)
    replaced(tmp_path, made, x)


@pytest.mark.parametrize("p", [1, 2])
def test_by_its_own_length(p, tmp_path):
    x = normal(2, 3, 4)
    replaced(tmp_path, model_of("LpNormalization", x, p=p, axis=1), x)


def test_by_mean_and_variance(tmp_path):
    x = normal(2, 3, 4, 5)
    replaced(tmp_path, model_of("MeanVarianceNormalization", x, axes=[0, 2, 3]), x)


def test_nothing_is_dropped_in_use(tmp_path):
    x = normal(2, 3)
    replaced(tmp_path, model_of("Dropout", x, {"r": np.float32(0.4)}, outputs=2), x)
