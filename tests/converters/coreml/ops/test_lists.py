"""Lists of tensors."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.lists import KERNELS as K


def test_a_list_is_written_read_and_grows() -> None:
    empty = K["make_list"](elem_shape=[2], init_length=1)
    one = K["list_write"](ls=empty, index=2, value=np.ones(2))
    assert K["list_length"](ls=one) == 3
    assert K["list_length"](ls=empty) == 1, "a change makes a new list"
    np.testing.assert_array_equal(K["list_read"](ls=one, index=2), [1, 1])
    many = K["list_scatter"](ls=one, indices=[0, 1], value=np.array([[5, 5], [6, 6]]))
    np.testing.assert_array_equal(K["list_gather"](ls=many, indices=[1, 2]), [[6, 6], [1, 1]])
