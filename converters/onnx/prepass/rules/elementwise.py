"""Functions of one number after another, by the few that every toolchain does right."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads

_ERF_OVER = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
_ERF_UNDER = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)
"""erf(x) = x P(x^2) / Q(x^2) for |x| <= 4, to float32's rounding: Eigen, SpecialFunctionsImpl.h."""
_ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
"""atan(x) = x + x^3 P(x^2) for |x| <= tan(pi/8): Cephes, atanf.c."""


def erf(build: Build, node: onnx.NodeProto) -> list[str]:
    """A quotient of polynomials."""
    x = build.op("Min", build.op("Max", node.input[0], _of(build, node, -4.0)), _of(build, node, 4.0))
    squared = build.op("Mul", x, x)
    over, under = (_horner(build, squared, c, node.input[0]) for c in (_ERF_OVER, _ERF_UNDER))
    return [build.op("Div", build.op("Mul", x, over), under)]


def _horner(build: Build, x: str, coefficients: tuple[float, ...], like: str) -> str:
    """A polynomial in `x`, the highest power first, of the type of `like`."""
    made = build.like(coefficients[0], like)
    for coefficient in coefficients[1:]:
        made = build.op("Add", build.op("Mul", made, x), build.like(coefficient, like))
    return made


def _of(build: Build, node: onnx.NodeProto, value: float) -> str:
    return build.like(value, node.input[0])


def atan(build: Build, node: onnx.NodeProto) -> list[str]:
    """Three ranges, each brought near 0."""
    return [_atan(build, node.input[0], node.input[0])]


def _atan(build: Build, x: str, like: str) -> str:
    def constant(value: float) -> str:
        return build.like(value, like)

    size = build.op("Abs", x)
    far, middle = (build.op("Greater", size, constant(np.tan(k * np.pi / 8))) for k in (3, 1))
    inverse = build.op("Neg", build.op("Div", constant(1.0), build.op("Max", size, constant(1.0))))
    turned = build.op("Div", build.op("Sub", size, constant(1.0)), build.op("Add", size, constant(1.0)))
    near = build.op("Where", far, inverse, build.op("Where", middle, turned, size))
    start = build.op("Where", far, constant(np.pi / 2), build.op("Where", middle, constant(np.pi / 4), constant(0.0)))
    squared = build.op("Mul", near, near)
    rest = build.op("Mul", build.op("Mul", _horner(build, squared, _ATAN, like), squared), near)
    made = build.op("Add", start, build.op("Add", rest, near))
    return build.op("Where", build.op("Less", x, constant(0.0)), build.op("Neg", made), made)


def asin(build: Build, node: onnx.NodeProto) -> list[str]:
    """2 atan(x / (1 + sqrt(1 - x^2)))."""
    return [_asin(build, node)]


def acos(build: Build, node: onnx.NodeProto) -> list[str]:
    """pi/2 - asin(x)."""
    return [build.op("Sub", _of(build, node, np.pi / 2), _asin(build, node))]


def _asin(build: Build, node: onnx.NodeProto) -> str:
    x, one = node.input[0], _of(build, node, 1.0)
    root = build.op("Sqrt", build.op("Mul", build.op("Sub", one, x), build.op("Add", one, x)))
    half = build.op("Atan", build.op("Div", x, build.op("Add", one, root)))
    return build.op("Mul", half, _of(build, node, 2.0))


def tan(build: Build, node: onnx.NodeProto) -> list[str]:
    """Sin / cos."""
    return [build.op("Div", build.op("Sin", node.input[0]), build.op("Cos", node.input[0]))]


def cosh(build: Build, node: onnx.NodeProto) -> list[str]:
    """(e^x + e^-x) / 2."""
    rising, falling = build.op("Exp", node.input[0]), build.op("Exp", build.op("Neg", node.input[0]))
    return [build.op("Mul", build.op("Add", rising, falling), _of(build, node, 0.5))]


def sinh(build: Build, node: onnx.NodeProto) -> list[str]:
    """(e^x - e^-x) / 2, and near 0 its series, where that difference loses its digits."""
    x = node.input[0]
    rising, falling = build.op("Exp", x), build.op("Exp", build.op("Neg", x))
    far = build.op("Mul", build.op("Sub", rising, falling), _of(build, node, 0.5))
    squared = build.op("Mul", x, x)
    near = build.op("Mul", x, _horner(build, squared, (1 / 5040, 1 / 120, 1 / 6, 1.0), x))
    return [build.op("Where", build.op("Less", build.op("Abs", x), _of(build, node, 1.0)), near, far)]


def asinh(build: Build, node: onnx.NodeProto) -> list[str]:
    """sign(x) log(|x| + sqrt(x^2 + 1)), and near 0 its series."""
    x, one = node.input[0], _of(build, node, 1.0)
    size, squared = build.op("Abs", x), build.op("Mul", x, x)
    far = build.op("Log", build.op("Add", size, build.op("Sqrt", build.op("Add", squared, one))))
    signed = build.op("Where", build.op("Less", x, _of(build, node, 0.0)), build.op("Neg", far), far)
    near = build.op("Mul", x, _horner(build, squared, (-15 / 336, 3 / 40, -1 / 6, 1.0), x))
    return [build.op("Where", build.op("Less", size, _of(build, node, 0.25)), near, signed)]


def acosh(build: Build, node: onnx.NodeProto) -> list[str]:
    """log(x + sqrt((x - 1)(x + 1)))."""
    x, one = node.input[0], _of(build, node, 1.0)
    root = build.op("Sqrt", build.op("Mul", build.op("Sub", x, one), build.op("Add", x, one)))
    return [build.op("Log", build.op("Add", x, root))]


def atanh(build: Build, node: onnx.NodeProto) -> list[str]:
    """log((1 + x) / (1 - x)) / 2, and near 0 its series."""
    x, one = node.input[0], _of(build, node, 1.0)
    far = build.op("Log", build.op("Div", build.op("Add", one, x), build.op("Sub", one, x)))
    half = build.op("Mul", far, _of(build, node, 0.5))
    near = build.op("Mul", x, _horner(build, build.op("Mul", x, x), (1 / 7, 1 / 5, 1 / 3, 1.0), x))
    return [build.op("Where", build.op("Less", build.op("Abs", x), _of(build, node, 0.125)), near, half)]


def softplus(build: Build, node: onnx.NodeProto) -> list[str]:
    """max(x, 0) + log(1 + e^-|x|), which never overflows."""
    x = node.input[0]
    small = build.op("Exp", build.op("Neg", build.op("Abs", x)))
    return [build.op("Add", build.op("Relu", x), build.op("Log", build.op("Add", small, _of(build, node, 1.0))))]


def softsign(build: Build, node: onnx.NodeProto) -> list[str]:
    """X / (1 + |x|)."""
    x = node.input[0]
    return [build.op("Div", x, build.op("Add", build.op("Abs", x), _of(build, node, 1.0)))]


def elu(build: Build, node: onnx.NodeProto) -> list[str]:
    """X above 0, alpha (e^x - 1) below."""
    return [_exponential(build, node, float(attributes(node).get("alpha", 1.0)), 1.0)]


def selu(build: Build, node: onnx.NodeProto) -> list[str]:
    """Gamma x above 0, gamma alpha (e^x - 1) below."""
    given = attributes(node)
    alpha, gamma = given.get("alpha", 1.67326319217681884765625), given.get("gamma", 1.05070102214813232421875)
    return [_exponential(build, node, alpha * gamma, gamma)]


def celu(build: Build, node: onnx.NodeProto) -> list[str]:
    """X above 0, alpha (e^(x / alpha) - 1) below."""
    alpha = float(attributes(node).get("alpha", 1.0))
    return [_exponential(build, node, alpha, 1.0, 1.0 / alpha)]


def _exponential(build: Build, node: onnx.NodeProto, below: float, above: float, inner: float = 1.0) -> str:
    x, zero = node.input[0], _of(build, node, 0.0)
    low = build.op("Min", x, zero)
    grown = build.op("Exp", low if inner == 1.0 else build.op("Mul", low, _of(build, node, inner)))
    bent = build.op("Mul", build.op("Sub", grown, _of(build, node, 1.0)), _of(build, node, below))
    straight = build.op("Mul", build.op("Max", x, zero), _of(build, node, above))
    return build.op("Add", straight, bent)


def leaky_relu(build: Build, node: onnx.NodeProto) -> list[str]:
    """max(x, 0) + alpha min(x, 0)."""
    x, zero = node.input[0], _of(build, node, 0.0)
    slope = _of(build, node, float(attributes(node).get("alpha", 0.01)))
    return [build.op("Add", build.op("Max", x, zero), build.op("Mul", build.op("Min", x, zero), slope))]


def prelu(build: Build, node: onnx.NodeProto) -> list[str]:
    """max(x, 0) + slope min(x, 0)."""
    x, zero = node.input[0], _of(build, node, 0)
    return [build.op("Add", build.op("Max", x, zero), build.op("Mul", build.op("Min", x, zero), node.input[1]))]


def thresholded_relu(build: Build, node: onnx.NodeProto) -> list[str]:
    """X above alpha, else 0."""
    limit = _of(build, node, float(attributes(node).get("alpha", 1.0)))
    return [build.op("Where", build.op("Greater", node.input[0], limit), node.input[0], _of(build, node, 0.0))]


def hard_sigmoid(build: Build, node: onnx.NodeProto) -> list[str]:
    """Alpha x + beta between 0 and 1."""
    given = attributes(node)
    line = build.op("Mul", node.input[0], _of(build, node, given.get("alpha", 0.2)))
    line = build.op("Add", line, _of(build, node, given.get("beta", 0.5)))
    return [build.op("Min", build.op("Max", line, _of(build, node, 0.0)), _of(build, node, 1.0))]


def hard_swish(build: Build, node: onnx.NodeProto) -> list[str]:
    """X times x / 6 + 1 / 2 between 0 and 1."""
    line = build.op("Add", node.input[0], _of(build, node, 3.0))
    cut = build.op("Min", build.op("Max", line, _of(build, node, 0.0)), _of(build, node, 6.0))
    return [build.op("Mul", node.input[0], build.op("Mul", cut, _of(build, node, 1 / 6)))]


def shrink(build: Build, node: onnx.NodeProto) -> list[str]:
    """X - bias above lambd, x + bias below -lambd, 0 between."""
    given, x = attributes(node), node.input[0]
    bias, limit = given.get("bias", 0.0), given.get("lambd", 0.5)
    above, below = build.op("Greater", x, _of(build, node, limit)), build.op("Less", x, _of(build, node, -limit))
    down, up = build.op("Sub", x, _of(build, node, bias)), build.op("Add", x, _of(build, node, bias))
    return [build.op("Where", above, down, build.op("Where", below, up, _of(build, node, 0)))]


def is_inf(build: Build, node: onnx.NodeProto) -> list[str]:
    """Beyond the greatest finite number: some kernels hold infinity equal to nothing."""
    given, x = attributes(node), node.input[0]
    up, down = given.get("detect_positive", 1), given.get("detect_negative", 1)
    end = float(np.finfo(build.dtype(x)).max)
    if not up and not down:
        return [build.op("Less", build.op("Abs", x), _of(build, node, -1.0))]
    if up:
        return [build.op("Greater", build.op("Abs", x) if down else x, _of(build, node, end))]
    return [build.op("Less", x, _of(build, node, -end))]


def is_nan(build: Build, node: onnx.NodeProto) -> list[str]:
    """What does not equal itself."""
    return [build.op("Not", build.op("Equal", node.input[0], node.input[0]))]


def sign(build: Build, node: onnx.NodeProto) -> list[str]:
    """1 above 0, -1 below."""
    x, zero = node.input[0], _of(build, node, 0)
    below = build.op("Where", build.op("Less", x, zero), _of(build, node, -1), zero)
    return [build.op("Where", build.op("Greater", x, zero), _of(build, node, 1), below)]


def modulo(build: Build, node: onnx.NodeProto) -> list[str]:
    """A - b times the quotient, rounded down or, for fmod, to 0."""
    a, b = node.input[0], node.input[1]
    if build.dtype(a).kind != "f":
        raise LeaveError("it is of integers")
    quotient = build.op("Div", a, b)
    if attributes(node).get("fmod", 0):
        zero = build.like(0, a)
        down, up = build.op("Floor", quotient), build.op("Ceil", quotient)
        quotient = build.op("Where", build.op("Less", quotient, zero), up, down)
    else:
        quotient = build.op("Floor", quotient)
    return [build.op("Sub", a, build.op("Mul", quotient, b))]


def clip(build: Build, node: onnx.NodeProto) -> list[str]:
    """The greater of one limit, the lesser of the other."""
    made = node.input[0]
    low, high = reads(node, 1), reads(node, 2)
    if low:
        made = build.op("Max", made, low)
    if high:
        made = build.op("Min", made, high)
    return [made if low or high else build.op("Identity", made)]


def many(kind: str, node: onnx.NodeProto, build: Build) -> str:
    """An operator of two inputs put over all the node's inputs in turn."""
    made = node.input[0]
    for name in node.input[1:]:
        made = build.op(kind, made, name)
    return made


def add_all(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Sum of several inputs."""
    return [many("Add", node, build)] if len(node.input) > 1 else [build.op("Identity", node.input[0])]


def mean_all(build: Build, node: onnx.NodeProto) -> list[str]:
    """Mean of several inputs."""
    count = build.like(1.0 / len(node.input), node.input[0])
    return [build.op("Mul", many("Add", node, build), count)]


def largest(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Max or Min of several inputs by those of two."""
    if len(node.input) == 2:
        return None
    return [many(node.op_type, node, build)] if len(node.input) > 2 else [build.op("Identity", node.input[0])]
