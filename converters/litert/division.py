"""Divisions in integers by what rounds to zero: LiteRT's kernel ends the call there, whatever the others would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.errors import UnsupportedError
from converters.graph import Tensor
from converters.litert.graph import read_graph
from converters.litert.integers import MADE
from converters.litert.trace import trace
from converters.tuning.calibration import Calibration

_DIVISOR, _SAMPLES = 1, 256


def require_divisors(path: Path, source: Path, calibration: Calibration) -> None:
    """Looks at what the divisors of a quantized file are in its float file, `source`, on calibration samples.

    Raises:
        UnsupportedError: one of them comes to less than half a step of its integers.
    """
    graph, floats = read_graph(path), read_graph(source)
    places = {tensor.name: index for index, tensor in floats.tensors.items() if not tensor.constant}
    for op in graph.ops:
        divisor = graph.tensors[op.inputs[_DIVISOR]] if op.type == "DIV" else None
        index = places.get(divisor.name.removesuffix(MADE)) if divisor else None
        if divisor is None or index is None or not _integers(divisor):
            continue
        assert divisor.quantization is not None
        values = trace(source, calibration.some(floats, _SAMPLES), [index]).get(index)
        if values is not None and np.abs(values).min() < divisor.quantization.scales[0] / 2:
            made = graph.tensors[op.outputs[0]].name.removesuffix(MADE)
            raise UnsupportedError(
                f"LiteRT stops at a division by zero, and {floats.tensors[index].name!r}, by which operator {op.index} "
                f"divides, rounds to zero in 8 bits (it comes to {np.abs(values).min():.3g}, a step is "
                f"{divisor.quantization.scales[0]:.3g}); --keep leaves a layer in float, {made!r} here"
            )


def _integers(tensor: Tensor) -> bool:
    return tensor.dtype in ("int8", "uint8") and tensor.quantization is not None
