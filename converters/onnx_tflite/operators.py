"""One function for each operator that goes into TensorFlow as it is, first those that work element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converters.errors import UnsupportedError
from converters.onnx_tflite.values import Value, plain, together

Given = dict[str, Any]
Operator = Callable[[Given, Sequence[Value | None]], Sequence[Value]]
"""Attributes and inputs in, outputs out; an input that is left out is None."""

_NARROW = {tf.int8: tf.int32, tf.uint8: tf.int32, tf.int16: tf.int32, tf.uint16: tf.int32, tf.float16: tf.float32}
"""Types that TensorFlow Lite adds and compares only when they stand for real numbers: computed in these instead."""


def unary(function: Callable[..., Any]) -> Operator:
    """An operator that takes each element by itself, with the attributes as keywords."""

    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        (x,) = required(inputs, 1)
        return [Value(function(_wide(x.data), **given), x.order)]

    return made


def binary(function: Callable[[Any, Any], Any], keep: bool = True) -> Operator:
    """An operator of two tensors that are spread over one another; `keep` gives the result their type."""

    def made(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
        values = required(inputs, 2)
        (a, b), order = together(values)
        wide = function(_wide(a), _wide(b))
        kind = tf.as_dtype(values[0].data.dtype)
        return [Value(tf.cast(wide, kind) if keep and wide.dtype != kind else wide, order)]

    return made


def required(inputs: Sequence[Value | None], count: int) -> list[Value]:
    """The first inputs, which must be there."""
    found = [value for value in inputs[:count] if value is not None]
    if len(found) < count:
        raise UnsupportedError(f"{count} inputs are needed, {len(found)} are given")
    return found


def optional(inputs: Sequence[Value | None], place: int) -> Value | None:
    """An input that may be left out."""
    return inputs[place] if len(inputs) > place else None


def known(inputs: Sequence[Value | None], place: int, what: str) -> np.ndarray:
    """The value of an input that has to be a constant."""
    value = optional(inputs, place)
    if value is None or not value.constant:
        raise UnsupportedError(f"its {what} is computed while the model runs")
    return np.asarray(plain(value))


def _wide(x: Any) -> Any:
    kind = tf.as_dtype(x.dtype)
    return tf.cast(x, _NARROW[kind]) if kind in _NARROW else tf.convert_to_tensor(x)


def _clip(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x,) = required(inputs, 1)
    low, high = optional(inputs, 1), optional(inputs, 2)
    if low and low.constant and not float(low.data.reshape(-1)[0]) and x.data.dtype == np.float32:
        if high is None:
            return [Value(tf.nn.relu(x.data), x.order)]
        if high.constant and float(high.data.reshape(-1)[0]) == 6.0:
            return [Value(tf.nn.relu6(x.data), x.order)]
    made = _wide(x.data)
    if low:
        made = tf.maximum(made, _wide(tf.reshape(plain(low), [])))
    if high:
        made = tf.minimum(made, _wide(tf.reshape(plain(high), [])))
    return [Value(tf.cast(made, x.data.dtype), x.order)]


def _where(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (condition, a, b), order = together(required(inputs, 3))
    return [Value(tf.where(condition, a, b), order)]


def _cast(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    import onnx

    (x,) = required(inputs, 1)
    try:
        kind = tf.as_dtype(onnx.helper.tensor_dtype_to_np_dtype(given["to"]))
    except (TypeError, KeyError) as error:
        raise UnsupportedError(f"TensorFlow Lite has no type {given['to']} of ONNX") from error
    if kind == tf.bool:
        return [Value(tf.not_equal(_wide(x.data), tf.zeros([], _wide(x.data).dtype)), x.order)]
    return [Value(tf.cast(x.data, kind), x.order)]


def _prelu(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    (x, slope), order = together(required(inputs, 2))
    return [Value(tf.nn.relu(x) + slope * -tf.nn.relu(-tf.convert_to_tensor(x)), order)]


def _divided(a: Any, b: Any) -> Any:
    """A quotient; that of integers is cut off, as TensorFlow Lite's DIV does."""
    return a / b if a.dtype.is_floating else tf.raw_ops.Div(x=a, y=b)


def _power(a: Any, b: Any) -> Any:
    """A power in the base's type; by float32 where the exponent is one."""
    if not a.dtype.is_floating and b.dtype.is_floating:
        return tf.cast(tf.pow(tf.cast(a, b.dtype), b), a.dtype)
    return tf.pow(a, tf.cast(b, a.dtype))


def _modulo(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    if given.get("fmod", 0):
        raise UnsupportedError("Mod by the quotient cut off is not there for integers")
    return binary(tf.math.floormod)({}, inputs)


ELEMENTWISE: dict[str, Operator] = {
    "Abs": unary(tf.abs),
    "Atan": unary(lambda x: tf.math.atan2(x, tf.ones_like(x))),
    "Ceil": unary(tf.math.ceil),
    "Cos": unary(tf.cos),
    "Elu": unary(
        lambda x, alpha=1.0: (
            tf.nn.elu(x) if alpha == 1.0 else tf.nn.relu(x) + alpha * (tf.exp(tf.minimum(x, 0.0)) - 1.0)
        )
    ),
    "Exp": unary(tf.exp),
    "Floor": unary(tf.floor),
    "Gelu": unary(lambda x, approximate="none": tf.nn.gelu(x, approximate=approximate == "tanh")),
    "HardSwish": unary(lambda x: x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)),
    "Identity": unary(tf.identity),
    "IsNaN": unary(tf.math.is_nan),
    "LeakyRelu": unary(lambda x, alpha=0.01: tf.nn.leaky_relu(x, alpha)),
    "Log": unary(tf.math.log),
    "Neg": unary(tf.negative),
    "Not": unary(tf.logical_not),
    "Reciprocal": unary(lambda x: 1.0 / x),
    "Relu": unary(tf.nn.relu),
    "Round": unary(tf.round),
    "Sigmoid": unary(tf.sigmoid),
    "Sign": unary(tf.sign),
    "Sin": unary(tf.sin),
    "Sqrt": unary(tf.sqrt),
    "Tanh": unary(tf.tanh),
    "Add": binary(tf.add),
    "And": binary(tf.logical_and),
    "Div": binary(_divided),
    "Equal": binary(tf.equal, keep=False),
    "Greater": binary(tf.greater, keep=False),
    "GreaterOrEqual": binary(tf.greater_equal, keep=False),
    "Less": binary(tf.less, keep=False),
    "LessOrEqual": binary(tf.less_equal, keep=False),
    "Max": binary(tf.maximum),
    "Min": binary(tf.minimum),
    "Mul": binary(tf.multiply),
    "Or": binary(tf.logical_or),
    "Pow": binary(_power),
    "Sub": binary(tf.subtract),
    "Xor": binary(tf.not_equal),
    "Cast": _cast,
    "Clip": _clip,
    "Mod": _modulo,
    "PRelu": _prelu,
    "Where": _where,
}
"""By operator of ONNX."""
