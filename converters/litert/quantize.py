"""Quantized TFLite files from float ones, by ai-edge-quantizer; needs no framework.

Static int8 takes the smallest and largest value of each activation over all calibration samples, unless the recipe
names another rule. Weights are per channel. Signature names survive.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from converters.contract import CALIBRATED, ConversionRequest, Precision, Signature
from converters.errors import ConfigError, UnsupportedError
from converters.graph import Graph, Op
from converters.litert.biases import with_whole_biases
from converters.litert.division import require_divisors
from converters.litert.graph import read_graph
from converters.litert.integers import Ranges, in_integers
from converters.litert.limits import limits, within
from converters.litert.prepare import RANGED, correct, flattened, prepared, statistics
from converters.litert.signature import described
from converters.litert.trace import trace
from converters.masks import masked_in
from converters.tuning.calibration import Calibration, require_finite
from converters.tuning.options import Tuning, kept_operators, parse
from converters.words import last_words

_FUSED = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN", "LSTM")
"""Whole layers in one operator, whose tensors inside are nowhere in memory: ai-edge-quantizer dies of reading them."""
WEIGHT_BITS = {Precision.INT8_WEIGHTS: 8, Precision.INT4_WEIGHTS: 4}
"""One scale a channel: blocks of 32 leave weights in float without a word, and reference kernels read them wrong."""


def quantize_litert(request: ConversionRequest) -> Signature:
    """Writes the file in the precision asked for; returns its signature.

    Raises:
        ConfigError: a recipe that names an operator, a rule or a step that there is not.
        UnsupportedError: a constant has no end, a layer is one operator, or LiteRT does not run what was made.
    """
    tuning = parse(request.options)
    graph = read_graph(request.source.path)
    kept = kept_operators(graph, tuning)
    if len(kept) == len(graph.ops) > 0:
        raise ConfigError(f"keep names all {len(kept)} operators: nothing is left to quantize")
    static = request.precision in CALIBRATED
    if not static and Tuning(keep=tuning.keep, keep_ops=tuning.keep_ops) != tuning:
        raise ConfigError(f"{request.precision} has no calibration: of the recipe's keys it takes keep and keep_ops")
    calibration = Calibration.of(request) if static else None
    if static:
        require_finite(graph)
        _require_open(graph)
        kept = (*kept, *(op for op in masked_in(graph).ops if op not in kept))

    def quantize(source: Path, target: Path) -> None:
        from ai_edge_quantizer import quantizer

        recipes = _recipes(request.precision, graph, kept)
        ranges = statistics(source, calibration, tuning.ranges) if calibration else None
        result = quantizer.Quantizer(str(source), recipes).quantize(ranges, enable_progress_report=False)
        result.export_model(str(target), overwrite=True)
        if calibration:
            with_whole_biases(target, source)

    with tempfile.TemporaryDirectory() as folder:
        path = start = flattened(request.source.path, Path(folder))
        if calibration:
            path = prepared(path, calibration, tuning, Path(folder))
        if calibration and tuning.bias_correction:
            path = correct(path, calibration, Path(folder), quantize)
        quantize(path, request.target)
        if calibration:
            dtype = "int16" if request.precision is Precision.INT16X8 else "int8"
            in_integers(request.target, dtype, _names(graph, kept), _ranges(path, calibration))
            require_divisors(request.target, calibration)
        if request.edited and path != start:
            shutil.copyfile(path, request.edited)
    _must_open(request.target, request.source.path)
    return described(request.target, request.source.signature)


def _require_open(graph: Graph) -> None:
    """Raises UnsupportedError for layers that are one operator, into which no calibration sees."""
    if found := next((op for op in graph.ops if op.type in _FUSED), None):
        raise UnsupportedError(
            f"ai-edge-quantizer does not calibrate {found.type} (operator {found.index}), a layer in one operator: "
            "build it with unroll=True, or take `dynamic` or `int8-weights`, which need no calibration"
        )


def _names(graph: Graph, ops: Sequence[Op]) -> set[str]:
    return {graph.tensors[index].name for op in ops for index in op.outputs}


def _ranges(path: Path, calibration: Calibration) -> Ranges:
    """Least and greatest values of tensors that the quantizer did not measure, each when it is asked for."""
    graph = read_graph(path)
    cut, places = limits(graph), {tensor.name: index for index, tensor in graph.tensors.items()}

    @cache
    def measured(name: str) -> tuple[float, float] | None:
        index = places.get(name)
        values = trace(path, calibration.some(graph, RANGED), [index]).get(index) if index is not None else None
        return None if values is None else within(cut, name, (float(values.min()), float(values.max())))

    return measured


def _must_open(made: Path, source: Path) -> None:
    """Raises UnsupportedError for a file that no kernels take, though they take the float file.

    The quantizer writes a SUB whose 16-bit scales lie apart, and a scale a channel for one value.
    """
    if (refusal := _refusal(made)) and not _refusal(source):
        raise UnsupportedError(
            f"LiteRT does not open what ai-edge-quantizer made: {last_words(refusal)}; --keep leaves a layer in float"
        ) from refusal


def _refusal(path: Path) -> Exception | None:
    """Why neither LiteRT's kernels nor its reference kernels take a file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    refusal: Exception | None = None
    for kernels in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN):
        try:
            Interpreter(str(path), experimental_op_resolver_type=kernels).allocate_tensors()
        except (RuntimeError, ValueError) as error:
            refusal = error
        else:
            return None
    return refusal


def _recipes(precision: Precision, graph: Graph, kept: Sequence[Op]) -> Any:
    """ai-edge-quantizer's rules of a precision, for every operator that it supports and that is not kept."""
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.recipe_manager import RecipeManager

    recipes, every, everything = RecipeManager(), ".*", TFLOperationName.ALL_SUPPORTED
    if precision is Precision.FP16:
        recipes.add_weight_only_config(every, everything, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING)
    elif precision in WEIGHT_BITS:
        recipes.add_weight_only_config(every, everything, num_bits=WEIGHT_BITS[precision])
    elif precision is Precision.DYNAMIC:
        recipes.add_dynamic_config(every, everything, num_bits=8)
    else:
        bits = 16 if precision is Precision.INT16X8 else 8
        recipes.add_static_config(every, everything, activation_num_bits=bits, weight_num_bits=8)
    for op in kept:
        scope = "".join(f"{graph.tensors[index].name};" for index in op.outputs)
        recipes.add_quantization_config(f"^{re.escape(scope)}$", everything, algorithm_key=AlgorithmName.NO_QUANTIZE)
    edges = (TFLOperationName.INPUT, TFLOperationName.OUTPUT)
    for edge in edges if precision in CALIBRATED else ():
        if precision is not Precision.INT8_IO:  # float at the edges: the quantizer adds QUANTIZE and DEQUANTIZE
            recipes.add_quantization_config(".+", edge, algorithm_key=AlgorithmName.NO_QUANTIZE)
        else:  # though the operator beside it be kept
            recipes.add_static_config(".+", edge, activation_num_bits=8, weight_num_bits=8)
    return recipes.get_quantization_recipe()
