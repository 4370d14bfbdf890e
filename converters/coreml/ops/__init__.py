"""The operators of ML programs in numpy, by the names and parameters of the MIL specification.

A kernel is a function that takes an operator's inputs by name and returns its output, or a list of them. Floats are
float32, whatever the file declares: the interpreter rounds results to what it does. Semantics are those that the
docstrings of coremltools' op definitions give (`coremltools/converters/mil/mil/ops/defs`).
"""

from collections.abc import Callable
from typing import Any

from converters.coreml.ops import (
    activation,
    constexpr,
    convolution,
    elementwise,
    indexing,
    lists,
    matrix,
    normalization,
    pool,
    recurrent,
    reduction,
    resize,
    shapes,
)

KERNELS: dict[str, Callable[..., Any]] = {
    name: kernel
    for module in (
        *(activation, constexpr, convolution, elementwise, indexing, lists, matrix, normalization, pool, recurrent),
        *(reduction, resize, shapes),
    )
    for name, kernel in module.KERNELS.items()
}
