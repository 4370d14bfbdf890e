"""Lists of tensors, as loops of TensorFlow keep them. A list is a tuple of arrays; a change makes a new one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray
Items = tuple[Array, ...]


def make_list(
    elem_shape: Sequence[int], init_length: int = 1, dynamic_length: bool = True, dtype: str = "fp32"
) -> Items:
    """A list of zeros; where it may grow, a length is only room."""
    zero = np.zeros([int(n) for n in elem_shape], {"fp32": "float32", "fp16": "float32"}.get(dtype, dtype))
    return (zero,) * int(init_length)


def list_length(ls: Items) -> Array:
    """How many there are."""
    return np.asarray(len(ls), np.int32)


def list_read(ls: Items, index: int) -> Array:
    """The one at a place."""
    return ls[int(index)]


def list_write(ls: Items, index: int, value: Array) -> Items:
    """The list with another value at a place, longer where that is beyond its end."""
    return list_scatter(ls, np.asarray([index]), np.asarray(value)[None])


def list_gather(ls: Items, indices: Array) -> Array:
    """Those at places, stacked."""
    return np.stack([ls[int(index)] for index in indices])


def list_scatter(ls: Items, indices: Array, value: Array) -> Items:
    """The list with the slices of a value at places."""
    made = list(ls)
    for index, item in zip(indices, value, strict=True):
        made += [np.zeros_like(item)] * (int(index) + 1 - len(made))
        made[int(index)] = item
    return tuple(made)


KERNELS = {
    function.__name__: function
    for function in (make_list, list_length, list_read, list_write, list_gather, list_scatter)
}
