from __future__ import annotations

import numpy as np
from drift_models import tensor

from converters.graph import Quantization


def test_stored_integers_stand_for_real_numbers_per_channel():
    made = tensor(0, data=[[1, 2], [3, 4]], dtype="int8", scale=([0.5, 2.0], [0, 1]))
    np.testing.assert_array_equal(made.real(), [[0.5, 1.0], [4.0, 6.0]])
    assert tensor(0, data=[1.5]).real().tolist() == [1.5]


def test_quantization_is_the_same_when_every_integer_means_the_same():
    one = Quantization(np.array([0.1]), np.array([3]))
    assert one.same(Quantization(np.array([0.1 * (1 + 1e-9)]), np.array([3]), axis=2))
    assert not one.same(Quantization(np.array([0.1]), np.array([4])))
    assert not one.same(Quantization(np.array([0.1, 0.1]), np.array([3, 3])))
    assert not one.same(None)
