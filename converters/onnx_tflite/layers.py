"""Convolutions, windows, products and reductions as TensorFlow has them: channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converters.errors import UnsupportedError
from converters.onnx_tflite.operators import Given, Operator, known, optional, required
from converters.onnx_tflite.values import LAST, Value, ordered, plain


def _conv(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, w = required(inputs, 2)
    order = LAST[x.rank]
    spatial = x.rank - 2
    strides, dilations = given.get("strides") or [1] * spatial, given.get("dilations") or [1] * spatial
    kernel = [int(size) for size in w.data.shape[2:]]
    data, padding = _padded(ordered(x, order), given, kernel, strides, dilations)
    group = given.get("group", 1)
    channels = int(x.data.shape[x.place(1)])
    weights = plain(w)
    if spatial == 2 and group == channels and group > 1:
        filters = tf.reshape(_turned(weights, (2, 3, 0, 1)), [*kernel, group, int(w.data.shape[0]) // group])
        made = tf.raw_ops.DepthwiseConv2dNative(  # which takes steps that are not equal, as the function does not
            input=data, filter=filters, strides=[1, *strides, 1], padding=padding, dilations=[1, *dilations, 1]
        )
    elif spatial == 2:
        made = tf.nn.conv2d(data, _turned(weights, (2, 3, 1, 0)), strides, padding, dilations=dilations)
    elif spatial == 3 and group == 1:
        filters = _turned(weights, (2, 3, 4, 1, 0))
        made = tf.nn.conv3d(data, filters, [1, *strides, 1], padding, dilations=[1, *dilations, 1])
    else:
        raise UnsupportedError(f"a convolution of {spatial} dimensions in {group} groups")
    bias = optional(inputs, 2)
    return [Value(tf.nn.bias_add(made, plain(bias)) if bias else made, order)]


def _turned(weights: Any, order: tuple[int, ...]) -> Any:
    return np.transpose(weights, order) if isinstance(weights, np.ndarray) else tf.transpose(weights, order)


def _padded(data: Any, given: Given, kernel: Any, strides: Any, dilations: Any, fill: float = 0.0) -> tuple[Any, str]:
    """The data with its borders, and what is left for TensorFlow to add: SAME where that is the same."""
    spatial = len(kernel)
    pads = list(given.get("pads") or [0] * 2 * spatial)
    auto = given.get("auto_pad", "NOTSET")
    sizes = data.shape[1:-1]
    if auto == "VALID" or (auto == "NOTSET" and not any(pads)):
        return data, "VALID"
    if auto == "SAME_UPPER":
        return data, "SAME"
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if None not in sizes:
        whole = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(sizes, strides, reach, strict=True)]
        if auto == "SAME_LOWER":
            pads = [*(t - t // 2 for t in whole), *(t // 2 for t in whole)]
        elif pads == [*(t // 2 for t in whole), *(t - t // 2 for t in whole)]:
            return data, "SAME"
    elif auto == "SAME_LOWER":
        raise UnsupportedError("automatic borders of an image of open size")
    rows = [(0, 0), *zip(pads[:spatial], pads[spatial:], strict=True), (0, 0)]
    return tf.pad(data, rows, constant_values=fill), "VALID"


def _conv_transpose(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, w = required(inputs, 2)
    order, spatial = LAST[x.rank], x.rank - 2
    strides = given.get("strides") or [1] * spatial
    pads = given.get("pads") or [0] * 2 * spatial
    extra = given.get("output_padding") or [0] * spatial
    data, weights = ordered(x, order), plain(w)
    sizes, kernel = data.shape[1:-1], weights.shape[2:]
    if None in sizes:
        raise UnsupportedError("a transposed convolution of an image of open size")
    whole = [(n - 1) * s + k for n, s, k in zip(sizes, strides, kernel, strict=True)]
    group = given.get("group", 1)
    filters = _turned(weights, (*range(2, 2 + spatial), 1, 0))
    parts = [data] if group == 1 else tf.split(data, group, axis=-1)
    kernels = [filters] if group == 1 else tf.split(filters, group, axis=-1)
    act = tf.nn.conv2d_transpose if spatial == 2 else tf.nn.conv3d_transpose
    batch = data.shape[0] if data.shape[0] is not None else tf.shape(data)[0]
    made = [
        act(part, each, [batch, *whole, int(weights.shape[1])], [1, *strides, 1], "VALID")
        for part, each in zip(parts, kernels, strict=True)
    ]
    full = made[0] if group == 1 else tf.concat(made, -1)
    ends = [n + e - p for n, e, p in zip(whole, extra, pads[spatial:], strict=True)]
    behind = [max(0, end - n) for end, n in zip(ends, whole, strict=True)]
    if any(behind):
        full = tf.pad(full, [(0, 0), *((0, b) for b in behind), (0, 0)])
    cut = tuple(slice(p, end) for p, end in zip(pads[:spatial], ends, strict=True))
    if any(pads) or any(extra):
        full = full[(slice(None), *cut, slice(None))]
    bias = optional(inputs, 2)
    return [Value(tf.nn.bias_add(full, plain(bias)) if bias else full, order)]


def _pool(average: bool) -> Operator:
    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        if x.rank != 4 or given.get("ceil_mode", 0):
            raise UnsupportedError(f"pooling over {x.rank - 2} dimensions, or rounded up")
        kernel = given["kernel_shape"]
        strides = given.get("strides") or [1, 1]
        fill = 0.0 if average else float(np.finfo(np.float32).min)
        data, padding = _padded(ordered(x, LAST[4]), given, kernel, strides, given.get("dilations") or [1, 1], fill)
        bordered = padding == "VALID" and any(given.get("pads") or [])
        if average and bool(given.get("count_include_pad", 0)) != bordered and padding != "VALID":
            raise UnsupportedError("a mean that counts its borders")
        act = tf.nn.avg_pool2d if average else tf.nn.max_pool2d
        return [Value(act(data, kernel, strides, padding), LAST[4])]

    return made


def _matmul(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    a, b = (plain(value) for value in required(inputs, 2))
    left, right = len(a.shape) == 1, len(b.shape) == 1
    a = tf.expand_dims(a, 0) if left else a
    b = tf.expand_dims(b, -1) if right else b
    made = tf.matmul(a, b)
    made = tf.squeeze(made, -1) if right else made
    return [Value(tf.squeeze(made, -1 if right else -2) if left else made)]


def _gemm(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    a, b = (plain(value) for value in required(inputs, 2))
    if isinstance(b, np.ndarray) and given.get("alpha", 1.0) != 1.0:
        b = (b * given["alpha"]).astype(b.dtype)
    made = tf.matmul(a, b, transpose_a=bool(given.get("transA", 0)), transpose_b=bool(given.get("transB", 0)))
    if not isinstance(b, np.ndarray) and given.get("alpha", 1.0) != 1.0:
        made = made * given["alpha"]
    c = optional(inputs, 2)
    if c is not None:
        beta = given.get("beta", 1.0)
        made = made + (plain(c) if beta == 1.0 else beta * tf.convert_to_tensor(plain(c)))
    return [Value(made)]


def reduction(function: Any) -> Operator:
    """A reduction over axes that are attributes or a constant input."""

    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        axes = given.get("axes")
        if axes is None and optional(inputs, 1) is not None:
            axes = [int(axis) for axis in known(inputs, 1, "axes")]
        if not axes:
            if given.get("noop_with_empty_axes", 0):
                return [x]
            axes = list(range(x.rank))
        keep = bool(given.get("keepdims", 1))
        if not keep and x.turned:
            x = Value(plain(x))
        data = function(x.data, axis=sorted(x.place(axis) for axis in axes), keepdims=keep)
        return [Value(data, x.order if keep else ())]

    return made


def _extreme(function: Any) -> Operator:
    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        keep = given.get("keepdims", 1)
        axis = given.get("axis", 0)
        data = plain(x)
        found = function(data, axis=axis % x.rank, output_type=tf.int64)
        return [Value(tf.expand_dims(found, axis % x.rank) if keep else found)]

    return made


def _softmax(function: Any) -> Operator:
    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        if x.turned and x.place(given.get("axis", -1)) == x.rank - 1:
            return [Value(function(x.data), x.order)]
        return [Value(function(plain(x), axis=given.get("axis", -1)))]

    return made


def _top_k(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    x, k = required(inputs, 2)
    count = int(np.ravel(plain(k))[0]) if k.constant else tf.cast(tf.reshape(plain(k), []), tf.int32)
    values, indices = tf.math.top_k(plain(x), count)
    return [Value(values), Value(tf.cast(indices, tf.int64))]


def _cumsum(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    axis = int(np.ravel(known(inputs, 1, "axis"))[0])
    exclusive, backwards = bool(given.get("exclusive", 0)), bool(given.get("reverse", 0))
    return [Value(tf.cumsum(plain(x), axis, exclusive=exclusive, reverse=backwards))]


def _space(function: Any) -> Operator:
    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        return [Value(function(ordered(x, LAST[4]), given["blocksize"]), LAST[4])]

    return made


def _resize(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    """Bilinear and nearest images, those that `converters.onnx_tflite.rules` leaves."""
    (x,) = required(inputs, 1)
    sizes, factors = optional(inputs, 3), optional(inputs, 2)
    have = [int(size) for size in ordered(x, LAST[4]).shape[1:3]]
    if sizes is not None and sizes.data.size:
        goal = [int(size) for size in plain(sizes)[-2:]]
    elif factors is not None:
        goal = [int(np.floor(n * f)) for n, f in zip(have, plain(factors)[-2:], strict=True)]
    else:
        raise UnsupportedError("its sizes are computed while the model runs")
    mode = given.get("coordinate_transformation_mode", "half_pixel")
    data = ordered(x, LAST[4])
    if given.get("mode", "nearest") == "nearest":
        made = tf.raw_ops.ResizeNearestNeighbor(images=data, size=goal)
    else:
        made = tf.raw_ops.ResizeBilinear(
            images=data,
            size=goal,
            align_corners=mode == "align_corners",
            half_pixel_centers=mode in ("half_pixel", "pytorch_half_pixel"),
        )
    return [Value(made, LAST[4])]


LAYERS: dict[str, Operator] = {
    "ArgMax": _extreme(tf.argmax),
    "ArgMin": _extreme(tf.argmin),
    "AveragePool": _pool(average=True),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "CumSum": _cumsum,
    "DepthToSpace": _space(tf.nn.depth_to_space),
    "Gemm": _gemm,
    "LogSoftmax": _softmax(tf.nn.log_softmax),
    "MatMul": _matmul,
    "MaxPool": _pool(average=False),
    "ReduceMax": reduction(tf.reduce_max),
    "ReduceMean": reduction(tf.reduce_mean),
    "ReduceMin": reduction(tf.reduce_min),
    "ReduceProd": reduction(tf.reduce_prod),
    "ReduceSum": reduction(tf.reduce_sum),
    "Resize": _resize,
    "Softmax": _softmax(tf.nn.softmax),
    "TopK": _top_k,
}
"""By operator of ONNX."""
