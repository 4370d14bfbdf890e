"""Faults that converters really make and few catalogues hold, to plant into .tflite files: gates, masks, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.mutation.flat import File
from benchmarks.mutation.flat_options import integers, options, retyped, set_option
from benchmarks.mutation.layer import Planter, shuffled


def _exchanged(kinds: Sequence[str], first: int, second: int, outputs: bool = False) -> Planter:
    """Two inputs, or outputs, of one shape stand for each other."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(list(file.of(*kinds)), rng):
            ends = [int(index) for index in (op.outputs if outputs else op.inputs)]
            if len(ends) <= max(first, second) or ends[first] == ends[second] or min(ends[first], ends[second]) < 0:
                continue
            if file.shape(ends[first]) == file.shape(ends[second]):
                ends[first], ends[second] = ends[second], ends[first]
                if outputs:
                    op.outputs = ends
                else:
                    op.inputs = ends
                return int(place)
        return None

    return plant


def _table(change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    """A fault in the rows of a table."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(list(file.of("GATHER", "EMBEDDING_LOOKUP")), rng):
            slot = 0 if file.type(op) == "GATHER" else 1
            data = file.constant(int(op.inputs[slot]))
            if data is not None and data.ndim > 1 and len(data) > 2:
                file.own(op, slot, np.ascontiguousarray(change(data)))
                return int(place)
        return None

    return plant


def _kernels_exchanged(file: File, rng: np.random.Generator) -> int | None:
    """Two layers of the same shape have each other's kernels."""
    layers = file.layers()
    for one in shuffled(layers, rng):
        for two in shuffled(layers, rng):
            alike = one.kernel.shape == two.kernel.shape and one.kernel.dtype == two.kernel.dtype
            if one.place < two.place and alike and (one.kernel != two.kernel).any():
                kernel = one.kernel.copy()
                one.set_kernel(two.kernel.copy())
                two.set_kernel(kernel)
                return -1  # by their weights they have exchanged places, by their places weights
    return None


def _slopes(file: File, rng: np.random.Generator) -> int | None:
    """The slopes of a PRELU, shifted by one channel."""
    for place, op in shuffled(list(file.of("PRELU")), rng):
        slopes = file.constant(int(op.inputs[1]))
        if slopes is not None and slopes.size > 1:
            file.own(op, 1, np.roll(slopes.reshape(-1), 1).reshape(slopes.shape))
            return int(place)
    return None


def _mask(name: str) -> Any:
    return options(("STRIDED_SLICE",), set_option(name, lambda mask: mask ^ 1 if mask & 1 else None))


def _two_rows(data: np.ndarray) -> np.ndarray:
    return data[[1, 0, *range(2, len(data))]]


FLAT_RARE: dict[str, Planter] = {
    "kernels of two layers exchanged": _kernels_exchanged,
    "gates in another order": _exchanged(("UNIDIRECTIONAL_SEQUENCE_LSTM",), 2, 3),
    "outputs of a split exchanged": _exchanged(("SPLIT", "SPLIT_V", "UNPACK"), 0, 1, outputs=True),
    "concatenated the other way round": _exchanged(("CONCATENATION", "PACK"), 0, 1),
    "branches of a choice exchanged": _exchanged(("SELECT", "SELECT_V2"), 1, 2),
    "comparison turned": retyped("GREATER", "LESS", plain=True),
    "less became greater": retyped("LESS", "GREATER", plain=True),
    "indices in another order": integers(("GATHER",), lambda v: v[::-1] if v.ndim == 1 and v.size > 1 else None),
    "slopes shifted by one channel": _slopes,
    "two rows of a table exchanged": _table(_two_rows),
    "a table in another order": _table(lambda data: data[::-1]),
    "begin mask dropped": _mask("beginMask"),
    "end mask dropped": _mask("endMask"),
    "strides exchanged": options(
        ("CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"), set_option("strideW", lambda s: 1 if s == 2 else None)
    ),
    "left matrix transposed": options(("BATCH_MATMUL",), set_option("adjX", lambda a: not a)),
    "one more padded before": integers(("PAD", "PADV2", "MIRROR_PAD"), lambda v: np.roll(v, 1, 0)),
    "padding of a transposed convolution": options(("TRANSPOSE_CONV",), set_option("padding", lambda p: 1 - p)),
    "sum backwards": options(("CUMSUM",), set_option("reverse", lambda r: not r)),
    "MAXIMUM became MINIMUM": retyped("REDUCE_MAX", "REDUCE_MIN"),
    "SINE instead of COSINE": retyped("COS", "SIN", plain=True),
    "ABS instead of NEG": retyped("NEG", "ABS", plain=True),
    "EXP instead of RSQRT": retyped("RSQRT", "EXP", plain=True),
    "GELU by its approximation": options(("GELU",), set_option("approximate", lambda a: not a)),
    "SQUARE became ABS": retyped("SQUARE", "ABS", plain=True),
    "MIN instead of ARGMAX": retyped("ARG_MAX", "ARG_MIN"),
    "zeros instead of a mirror": retyped("MIRROR_PAD", "PAD"),
    "sum without its own": options(("CUMSUM",), set_option("exclusive", lambda e: not e)),
    "sum along another axis": integers(("CUMSUM",), lambda v: v - 1),
    "FLOOR instead of ROUND": retyped("ROUND", "FLOOR", plain=True),
    "ELU instead of LEAKY_RELU": retyped("LEAKY_RELU", "ELU", plain=True),
    "RELU instead of ELU": retyped("ELU", "RELU", plain=True),
    "GREATER instead of GREATER_EQUAL": retyped("GREATER_EQUAL", "LESS", plain=True),
    "slice from the other side": integers(("REVERSE_V2",), lambda v: v - 1),
    "PRODUCT instead of SUM": retyped("SUM", "REDUCE_PROD"),
    "sizes exchanged": integers(
        ("RESHAPE",), lambda v: v[[0, 2, 1, *range(3, v.size)]] if v.size > 2 and (v > 0).all() else None
    ),
}
