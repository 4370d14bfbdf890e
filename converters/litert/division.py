"""Divisions in integers by zero: LiteRT's kernel ends the call there, whatever the other operators would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.contract import Arrays
from converters.errors import UnsupportedError
from converters.graph import Graph
from converters.litert.graph import read_graph
from converters.litert.integers import MADE
from converters.litert.trace import trace
from converters.tuning.calibration import Calibration

_DIVISOR, _SAMPLES = 1, 256


def require_divisors(path: Path, calibration: Calibration) -> None:
    """Runs calibration samples through a quantized file that divides integers by integers that it computes.

    Raises:
        UnsupportedError: one of them came to zero.
    """
    graph = read_graph(path)
    found = [op for op in graph.ops if op.type == "DIV" and graph.tensors[op.inputs[_DIVISOR]].dtype == "int8"]
    found = [op for op in found if not graph.tensors[op.inputs[_DIVISOR]].constant]
    if not found:
        return
    samples = [_stored(graph, sample) for sample in calibration.some(graph, _SAMPLES)]
    try:
        trace(path, samples, [found[-1].outputs[0]])
    except RuntimeError as error:
        if "(DIV) failed to invoke" not in str(error):
            raise
        names = [graph.tensors[op.outputs[0]].name.removesuffix(MADE) for op in found]
        raise UnsupportedError(
            "LiteRT stops at a division by zero, and what this model divides by comes to zero in 8 bits; --keep leaves "
            f"a division in float: {', '.join(repr(name) for name in names)}"
        ) from error


def _stored(graph: Graph, sample: Arrays) -> Arrays:
    """A sample of the float file as the quantized one takes it: integers where its inputs are."""
    made = dict(sample)
    for name, index in zip(graph.input_names, graph.inputs, strict=True):
        grid = graph.tensors[index].quantization
        if name in made and grid is not None and graph.tensors[index].dtype == "int8":
            integers = np.rint(made[name] / grid.scales[0]) + grid.zero_points[0]
            made[name] = np.clip(integers, -128, 127).astype(np.int8)
    return made
