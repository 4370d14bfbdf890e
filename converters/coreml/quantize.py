"""Weights of a Core ML package made smaller; what is computed at run time stays float.

`int8-weights`: 8-bit integers, one scale for each output channel. `palettized`: indices into a table of 2^n values,
made by k-means over each tensor; `int4-weights`: the same with 16 values.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from typing import Any

from converters import content
from converters.contract import ConversionRequest, Precision, Signature
from converters.coreml import package as packages
from converters.coreml.graph import read_graph
from converters.coreml.program import read_program
from converters.coreml.signature import read_signature, write_signature
from converters.coreml.toolkit import coremltools
from converters.errors import UnsupportedError
from converters.tuning.options import kept_operators, parse

LEAST_ELEMENTS = 64
"""Weights of no more values stay in float: their scales and tables would be as large."""
NBITS = 8
"""Of palettes, where the recipe does not say: 1, 2, 3, 4, 6 or 8."""


def quantize_coreml(request: ConversionRequest) -> Signature:
    """Writes the package with compressed weights; returns its signature, which is the source's own.

    Raises:
        UnsupportedError: no weight is large enough to be compressed.
    """
    ct = coremltools()
    from coremltools.optimize import coreml as optimize

    source = packages.read_package(request.source.path)
    signature = read_signature(source, read_program(source))
    with contextlib.redirect_stdout(sys.stderr):
        model = ct.models.MLModel(str(request.source.path), skip_model_load=True)
        made = _compressed(optimize, model, request)
        shutil.rmtree(request.target, ignore_errors=True)
        made.save(str(request.target))
    package = packages.read_package(request.target)
    program = read_program(package)
    if not any(op.type.startswith("constexpr_") for op in program.block.walk()):
        raise UnsupportedError(f"no weight has {LEAST_ELEMENTS} values: {request.precision} would be the float file")
    write_signature(package, signature)
    packages.write_model(package)
    content.sync(request.target)
    return signature


def _compressed(optimize: Any, model: Any, request: ConversionRequest) -> Any:
    left = dict.fromkeys(_kept(request))
    if request.precision in (Precision.PALETTIZED, Precision.INT4_WEIGHTS):
        nbits = 4 if request.precision is Precision.INT4_WEIGHTS else int(request.options.get("nbits", NBITS))
        palette = optimize.OpPalettizerConfig(mode="kmeans", nbits=nbits, weight_threshold=LEAST_ELEMENTS)
        return optimize.palettize_weights(model, optimize.OptimizationConfig(palette, op_name_configs=left))
    linear = optimize.OpLinearQuantizerConfig(
        mode="linear_symmetric", dtype="int8", granularity="per_channel", weight_threshold=LEAST_ELEMENTS
    )
    return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(linear, op_name_configs=left))


def _kept(request: ConversionRequest) -> list[str]:
    """The names of the weights that operators read which the recipe leaves in float.

    Raises:
        ConfigError: an expression that names no operator.
    """
    tuning = parse({key: value for key, value in request.options.items() if key == "keep"})
    if not tuning.keeps:
        return []
    graph = read_graph(request.source.path)
    read = {index for op in kept_operators(graph, tuning) for index in op.inputs if index >= 0}
    return [graph.tensors[index].name for index in sorted(read) if graph.tensors[index].constant]
