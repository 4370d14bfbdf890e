"""Places: masks, negative ones, those outside."""

from __future__ import annotations

import numpy as np
import pytest

from converters.coreml.ops.indexing import KERNELS as K
from converters.errors import ModelError

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_masks_of_slices() -> None:
    how = {"begin": [1, 9, -1], "end": [0, 9, -9], "stride": [1, 1, -2]}
    made = K["slice_by_index"](
        x=X, **how, begin_mask=[False, True, False], end_mask=[False, True, True], squeeze_mask=[True, False, False]
    )
    np.testing.assert_array_equal(made, X[1, :, ::-2])
    np.testing.assert_array_equal(K["slice_by_size"](x=X, begin=[0, 1, 1], size=[1, -1, 2]), X[:1, 1:, 1:3])
    updated = K["slice_update"](x=X, update=np.zeros((2, 3, 1)), begin=[0, 0, 2], end=[2, 3, 3])
    assert (updated[..., 2] == 0).all()
    assert X[0, 0, 2] == 2, "the input stays"


def test_gathering() -> None:
    np.testing.assert_array_equal(K["gather"](x=X, indices=np.array([[2, -1]]), axis=1), X[:, [[2, 2]]])
    np.testing.assert_array_equal(K["gather"](x=X, indices=np.int32(1), axis=0), X[1])
    places = np.array([[0], [2]])
    np.testing.assert_array_equal(K["gather"](x=X, indices=places, axis=1, batch_dims=1)[:, 0], [X[0, 0], X[1, 2]])
    np.testing.assert_array_equal(K["gather_nd"](x=X, indices=np.array([[1, 2], [0, 1]])), [X[1, 2], X[0, 1]])
    np.testing.assert_array_equal(K["gather_nd"](x=X, indices=places, batch_dims=1), [X[0, 0], X[1, 2]])
    few = np.array([[[3, 0]], [[1, 1]]])
    np.testing.assert_array_equal(K["gather_along_axis"](x=X, indices=few, axis=2), [[[3, 0]], [[13, 13]]])


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("add", [1, 5, 1]), ("update", [1, 3, 1]), ("mul", [1, 6, 1]), ("max", [1, 3, 1]), ("sub", [1, -3, 1])],
)
def test_scattering_what_meets_in_one_place(mode: str, wanted: list[int]) -> None:
    data, indices = np.ones(3, np.float32), np.array([1, 1])
    updates = np.array([2, 3] if mode == "mul" else [1, 3], np.float32)
    np.testing.assert_array_equal(K["scatter"](data=data, indices=indices, updates=updates, mode=mode), wanted)
    nd = K["scatter_nd"](data=data, indices=indices[:, None], updates=updates, mode=mode)
    np.testing.assert_array_equal(nd, wanted)
    along = K["scatter_along_axis"](data=data, indices=indices, updates=updates, axis=0, mode=mode)
    np.testing.assert_array_equal(along, wanted)


def test_an_index_outside_is_told() -> None:
    with pytest.raises(ModelError, match=r"an index of 0\.\.3 is outside of an axis of 3"):
        K["gather"](x=X, indices=np.array([0, 3]), axis=1)


def test_one_hot_and_the_places_of_values() -> None:
    np.testing.assert_array_equal(K["one_hot"](indices=np.array([1, 5]), one_hot_vector_size=3), [[0, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(K["one_hot"](indices=np.array([1]), one_hot_vector_size=2, axis=0), [[0], [1]])
    np.testing.assert_array_equal(K["non_zero"](x=np.array([[0, 1], [1, 0]])), [[0, 1], [1, 0]])
