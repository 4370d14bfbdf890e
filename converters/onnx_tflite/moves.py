"""What moves data, as TensorFlow has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converters.errors import UnsupportedError
from converters.onnx_tflite.operators import Given, Operator, known, optional, required
from converters.onnx_tflite.values import Value, ordered, plain

_FAR = 2**31 - 1
_MOST_SLICED = 5
"""Axes that TensorFlow Lite's STRIDED_SLICE takes."""


def _reshape(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, shape = required(inputs, 2)
    data = plain(x)
    if not shape.constant:
        return [Value(tf.reshape(data, tf.cast(plain(shape), tf.int32)))]
    goal: list[Any] = [int(size) for size in plain(shape)]
    if not given.get("allowzero", 0):
        for place, size in enumerate(goal):
            if size == 0:
                goal[place] = data.shape[place] if data.shape[place] is not None else tf.shape(data)[place]
    return [Value(tf.reshape(data, goal))]


def _transpose(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    order = given.get("perm") or list(range(x.rank))[::-1]
    return [Value(ordered(x, order))]


def _squeeze(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    axes = given.get("axes")
    if axes is None and optional(inputs, 1) is not None:
        axes = known(inputs, 1, "axes")
    return [Value(tf.squeeze(plain(x), None if axes is None else [int(axis) % x.rank for axis in axes]))]


def _unsqueeze(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    axes = given.get("axes")
    axes = [int(axis) for axis in (known(inputs, 1, "axes") if axes is None else axes)]
    data = plain(x)
    for axis in sorted(axis % (x.rank + len(axes)) for axis in axes):
        data = tf.expand_dims(data, axis)
    return [Value(data)]


def _flatten(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    axis = given.get("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    data = plain(x)
    sizes = data.shape[:axis]
    first = int(np.prod(sizes)) if None not in list(sizes) else -1
    rest = list(data.shape[axis:])
    second = int(np.prod(rest)) if None not in rest else -1
    if first == second == -1:
        raise UnsupportedError("a tensor of open size on both sides of the axis")
    return [Value(tf.reshape(data, [first, second]))]


def _concat(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    values = [value for value in inputs if value is not None]
    order = next((value.order for value in values if value.turned and not value.constant), None)
    if order is None:
        return [Value(tf.concat([plain(value) for value in values], given["axis"]))]
    axis = given["axis"] % len(order)
    return [Value(tf.concat([ordered(value, order) for value in values], order.index(axis)), order)]


def _slice(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    starts = optional(inputs, 1)
    axes_given, steps_given = optional(inputs, 3), optional(inputs, 4)
    axes = [int(a) for a in known(inputs, 3, "axes")] if axes_given else None
    steps = [int(s) for s in known(inputs, 4, "steps")] if steps_given else None
    ends = optional(inputs, 2)
    if starts is None or ends is None:
        raise UnsupportedError("a Slice of an opset before 10")
    if not starts.constant or not ends.constant:
        return [Value(_open_slice(x, starts, ends, axes, steps))]
    first, last = [int(v) for v in plain(starts)], [int(v) for v in plain(ends)]
    axes = axes if axes is not None else list(range(len(first)))
    steps = steps or [1] * len(first)
    cut: list[Any] = [slice(None)] * x.rank
    for axis, start, end, step in zip(axes, first, last, steps, strict=True):
        place = x.place(axis)
        cut[place] = _bounds(start, end, step, x.data.shape[place])
    data = x.data[tuple(cut)] if x.rank <= _MOST_SLICED else _one_by_one(x.data, cut)
    return [Value(data, x.order)]


def _one_by_one(data: Any, cut: Sequence[slice]) -> Any:
    """A slice of more axes than the kernel takes: each by itself, the axes before and behind it as one."""
    for place, each in enumerate(cut):
        if each != slice(None):
            before, behind = list(data.shape[:place]), list(data.shape[place + 1 :])
            if None in before or None in behind:
                raise UnsupportedError(f"a slice of {len(cut)} axes of open size")
            flat = tf.reshape(data, [int(np.prod(before)), int(data.shape[place]), int(np.prod(behind))])[:, each]
            data = tf.reshape(flat, [*before, int(flat.shape[1]), *behind])
    return data


def _bounds(start: int, end: int, step: int, size: int | None) -> slice:
    if size is None:
        return slice(start, None if abs(end) >= _FAR else end, step)
    first, last, step = slice(start, end, step).indices(int(size))
    if step < 0 and start < -size:
        first = last = 0
    return slice(first, None if step < 0 and last < 0 else last, step)


def _open_slice(x: Value, starts: Value, ends: Value, axes: list[int] | None, steps: list[int] | None) -> Any:
    """Bounds that are computed while the model runs."""
    data = plain(x)
    count = int(starts.data.shape[0])
    axes = axes if axes is not None else list(range(count))
    first, last = [tf.constant(0)] * x.rank, [tf.shape(data)[axis] for axis in range(x.rank)]
    strides = [1] * x.rank
    limit = tf.constant(_FAR, tf.int64)
    for place, axis in enumerate(axes):
        axis %= x.rank
        first[axis] = tf.cast(tf.clip_by_value(tf.cast(plain(starts)[place], tf.int64), -limit, limit), tf.int32)
        last[axis] = tf.cast(tf.clip_by_value(tf.cast(plain(ends)[place], tf.int64), -limit, limit), tf.int32)
        strides[axis] = (steps or [1] * count)[place]
    return tf.strided_slice(data, tf.stack(first), tf.stack(last), strides)


def _split(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    place = x.place(given.get("axis", 0))
    sizes = given.get("split")
    if sizes is None and optional(inputs, 1) is not None:
        sizes = [int(size) for size in known(inputs, 1, "sizes")]
    if sizes is None:
        whole, count = x.data.shape[place], given["outputs"]
        each = -(-int(whole) // count)
        sizes = [min(each, int(whole) - each * number) for number in range(count)]
    return [Value(part, x.order) for part in tf.split(x.data, sizes, axis=place)]


def _gather(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, indices = required(inputs, 2)
    data, axis = plain(x), given.get("axis", 0) % x.rank
    size = data.shape[axis]
    places = plain(indices)
    if isinstance(places, np.ndarray):
        if (places < 0).any():
            if size is None:
                raise UnsupportedError("a place counted from the end of an axis of open size")
            places = np.where(places < 0, places + int(size), places)
        places = places.astype(np.int32)
    else:
        whole = tf.cast(tf.shape(data)[axis] if size is None else size, places.dtype)
        places = tf.where(places < 0, places + whole, places)
    return [Value(tf.gather(data, places, axis=axis))]


def _gather_nd(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, indices = required(inputs, 2)
    return [Value(tf.gather_nd(plain(x), plain(indices), batch_dims=given.get("batch_dims", 0)))]


def _scatter_nd(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, indices, updates = (plain(value) for value in required(inputs, 3))
    if given.get("reduction", "none") != "none":
        raise UnsupportedError(f"scattering by {given['reduction']}")
    return [Value(tf.tensor_scatter_nd_update(x, tf.cast(indices, tf.int32), updates))]


def _expand(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    goal = known(inputs, 1, "shape")
    data = plain(x)
    shape = np.broadcast_shapes(tuple(1 if s is None else s for s in data.shape), tuple(int(v) for v in goal))
    if None in list(data.shape):
        raise UnsupportedError("an Expand of a tensor of open size")
    return [Value(tf.broadcast_to(data, shape))]


def _tile(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, times = required(inputs, 2)
    return [Value(tf.tile(plain(x), tf.cast(plain(times), tf.int32)))]


def _pad(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    if given.get("mode", "constant") != "constant":
        raise UnsupportedError(f"borders by {given['mode']} of a tensor of open size")
    amounts = [int(v) for v in known(inputs, 1, "amounts")]
    rank = x.rank
    fill = optional(inputs, 2)
    rows = [(0, 0)] * rank
    for axis in range(rank):
        rows[x.place(axis)] = (amounts[axis], amounts[axis + rank])
    value = tf.reshape(plain(fill), []) if fill is not None else 0
    return [Value(tf.pad(x.data, rows, constant_values=value), x.order)]


def _shape(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    return [Value(tf.shape(plain(x), out_type=tf.int64)[given.get("start", 0) : given.get("end")])]


def _size(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    return [Value(tf.size(plain(x), out_type=tf.int64))]


def _filled(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (shape,) = required(inputs, 1)
    import onnx

    value = onnx.numpy_helper.to_array(given["value"]) if "value" in given else np.zeros(1, np.float32)
    return [Value(tf.fill(tf.cast(plain(shape), tf.int32), value[0]))]


def _range(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    start, limit, delta = (tf.reshape(plain(value), []) for value in required(inputs, 3))
    return [Value(tf.range(start, limit, delta))]


def _non_zero(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    data = tf.convert_to_tensor(plain(x))
    hit = data if data.dtype == tf.bool else tf.not_equal(data, tf.zeros([], data.dtype))
    return [Value(tf.transpose(tf.where(hit)))]


MOVES: dict[str, Operator] = {
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "NonZero": _non_zero,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "ScatterND": _scatter_nd,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""By operator of ONNX."""
