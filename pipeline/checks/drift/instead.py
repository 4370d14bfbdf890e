"""What an operator would give out if it were another one, or had another constant: for the blame, by trial."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from converters.graph import Op
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.net import FUSED

Values = np.ndarray
EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12)
"""The numbers that normalizations add to a variance."""
MOST_AXES = 5


def _gelu(x: Values) -> Values:
    return x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))) / 2


UNARY: Mapping[str, Callable[[Values], Values]] = {
    "nothing": lambda x: x,
    "a negation": np.negative,
    "a square": np.square,
    "a root": np.sqrt,
    "the inverse of a root": lambda x: 1 / np.sqrt(x),
    "an inverse": lambda x: 1 / x,
    "an absolute value": np.abs,
    "an exponential": np.exp,
    "a logarithm": np.log,
    "a sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "a tanh": np.tanh,
    "a ReLU": lambda x: np.maximum(x, 0),
    "a ReLU6": lambda x: np.clip(x, 0, 6),
    "a hard swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "a hard sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "a SiLU": lambda x: x / (1 + np.exp(-x)),
    "a softplus": lambda x: np.logaddexp(x, 0),
    "an ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "a GELU": _gelu,
}
BINARY: Mapping[str, Callable[[Values, Values], Values]] = {
    "an addition": np.add,
    "a subtraction": np.subtract,
    "the subtraction the other way round": lambda x, y: y - x,
    "a multiplication": np.multiply,
    "a division": np.divide,
    "the division the other way round": lambda x, y: y / x,
    "the greater of both": np.maximum,
    "the less of both": np.minimum,
    "the square of a difference": lambda x, y: np.square(x - y),
    "the first of both": lambda x, y: x + 0 * y,
    "the second of both": lambda x, y: y + 0 * x,
}
COMPARED: Mapping[str, Callable[[Values, Values], Values]] = {
    "greater": np.greater,
    "greater or equal": np.greater_equal,
    "less": np.less,
    "less or equal": np.less_equal,
    "equal": np.equal,
    "not equal": np.not_equal,
}
REDUCED: Mapping[str, Callable[..., Values]] = {
    "a mean": np.mean,
    "a sum": np.sum,
    "a maximum": np.max,
    "a minimum": np.min,
    "a product": np.prod,
}
_FUSED: Mapping[str, Callable[[Values], Values]] = {
    "RELU": UNARY["a ReLU"],
    "RELU6": UNARY["a ReLU6"],
    "RELU_N1_TO_1": lambda x: np.clip(x, -1, 1),
    "TANH": np.tanh,
}


KNOWN = (
    0.0,
    1.0,
    0.5,
    2.0,
    0.044715,
    (2 / np.pi) ** 0.5,
    2**0.5,
    2**-0.5,
    1 / 6,
    3.0,
    6.0,
    1 / 255,
    255.0,
    127.5,
    1 / 127.5,
)
"""Numbers that functions are written with, and pixels prepared."""


def alternatives(op: Op, taken: Sequence[Values], made: Values, flags: bool = False) -> Iterator[tuple[str, Values]]:
    """(in words, values) of what an operator could have given out for what it takes, in the shape of what it gives.

    Args:
        op: with an activation, which stays.
        taken: real values of its inputs, (rows, *shape), constants with one row.
        made: what it gives out.
        flags: whether that is true or false.
    """
    after = _FUSED.get(str(op.attributes.get(FUSED, "NONE")), UNARY["nothing"])
    with np.errstate(all="ignore"):
        if FUSED in op.attributes:
            yield from _activated(taken, made, after)
        for words, values in _made(taken, made, flags):
            if values.size == made.size:
                yield words, after(values.reshape(made.shape))


def _activated(
    taken: Sequence[Values], made: Values, after: Callable[[Values], Values]
) -> Iterator[tuple[str, Values]]:
    """With another activation behind it, where what lies before that can be told."""
    before = [made] if after is UNARY["nothing"] else []
    for first, second in itertools.islice(_pairs(taken, made), 1):
        every = (function(first, second) for function in BINARY.values())
        before += [values for values in every if np.allclose(after(values), made, rtol=1e-5, atol=1e-6)]
    for values in before[:2]:
        others = {"NONE": UNARY["nothing"], **_FUSED}
        yield from ((f"activation {name}", f(values)) for name, f in others.items() if f is not after)


def _made(taken: Sequence[Values], made: Values, flags: bool) -> Iterator[tuple[str, Values]]:
    moving = [values.astype(np.float64) for values in taken if len(values) == len(made)]
    if flags:
        for first, second in itertools.islice(_pairs(taken, made), 1):
            yield from ((words, function(first, second)) for words, function in COMPARED.items())
        return
    for first, second in itertools.islice(_pairs(taken, made), 1):
        yield from ((words, function(first, second)) for words, function in BINARY.items())
    for values in moving:
        if values.size == made.size:
            yield "nothing", values
            ordered = np.array_equal(np.sort(values, None), np.sort(made, None))
            if ordered:
                yield from _turned(values, made)
            elif len(moving) == 1:
                yield from ((words, function(values)) for words, function in UNARY.items())
                yield from _softmaxes(values)
        elif values.size > made.size:
            yield from _reductions(values, made)
    if len(taken) == 3 and np.isin(taken[0], (0, 1)).all():
        yield "the other choice", np.where(taken[0] != 0, taken[2], taken[1]) + np.zeros(made.shape)


def _pairs(taken: Sequence[Values], made: Values) -> Iterator[tuple[Values, Values]]:
    """The first two inputs, where they fit together to what comes out."""
    if len(taken) == 2:
        first, second = (np.asarray(values, np.float64) for values in taken)
        rank = max(first.ndim, second.ndim)
        first, second = (_spread(values, rank) for values in (first, second))
        try:
            if np.broadcast_shapes(first.shape, second.shape) == made.shape:
                yield first, second
        except ValueError:
            return


def _spread(values: Values, rank: int) -> Values:
    """Values with their axes, behind that of the rows, at the end."""
    return values.reshape(len(values), *(1,) * (rank - values.ndim), *values.shape[1:])


def _softmaxes(values: Values) -> Iterator[tuple[str, Values]]:
    for axis in range(1, values.ndim):
        if values.shape[axis] > 1:
            moved = values - values.max(axis, keepdims=True)
            powers = np.exp(moved)
            yield f"a softmax of axis {axis - 1}", powers / powers.sum(axis, keepdims=True)
            yield f"a log softmax of axis {axis - 1}", moved - np.log(powers.sum(axis, keepdims=True))


def _turned(values: Values, made: Values) -> Iterator[tuple[str, Values]]:
    """The same values in another order."""
    if not 2 < values.ndim <= MOST_AXES:
        return
    for order in itertools.permutations(range(1, values.ndim)):
        if tuple(values.shape[axis] for axis in order) == made.shape[1:]:
            yield f"the order {tuple(axis - 1 for axis in order)} of the axes", values.transpose(0, *order)


def _reductions(values: Values, made: Values) -> Iterator[tuple[str, Values]]:
    """Reductions over axes that leave as many values as come out."""
    axes = [axis for axis in range(1, values.ndim) if values.shape[axis] > 1][:MOST_AXES]
    for count in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, count):
            left = values.size // int(np.prod([values.shape[axis] for axis in chosen]))
            if left == made.size:
                said = ", ".join(str(axis - 1) for axis in chosen)
                yield from ((f"{words} over axes {said}", f(values, axis=chosen)) for words, f in REDUCED.items())


def constants(side: Known, op: Op, there: Sequence[Values]) -> Iterator[tuple[str, int, Values]]:
    """(in words, tensor, values) of what a constant of an operator could be; `there` are numbers of the reference."""
    for index in op.inputs:
        data = side.graph.tensors[index].data if index >= 0 else None
        if data is None or data.dtype.kind != "f" or not data.size:
            continue
        own = data.astype(np.float64)
        with np.errstate(all="ignore"):
            tried = [("with its sign exchanged", -own), ("inverted", 1 / own)]
        if own.size == 1:
            tried += [(f"{value:g}", np.full(own.shape, value)) for value in (*EPSILONS, *KNOWN)]
        with np.errstate(all="ignore"):
            for words, others in (
                ("as in the reference", there),
                ("as in the reference, inverted", [1 / v for v in there]),
            ):
                tried += [(words, values.reshape(own.shape)) for values in others if values.size == own.size]
        yield from ((words, index, values) for words, values in tried if not np.array_equal(values, own))
