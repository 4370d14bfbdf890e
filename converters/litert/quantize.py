"""Quantized TFLite files from float ones, by ai-edge-quantizer; needs no framework.

Static int8 takes the smallest and largest value of each activation over all calibration samples; raw pixels 0..255
so get the exact scale 1. Weights are per channel. Signature names survive.
"""

from __future__ import annotations

from typing import Any

from converters import adapt
from converters.contract import ConversionRequest, Precision, Signature
from converters.litert.signature import described, signature_key
from converters.samples import each_sample, load_samples


def quantize_litert(request: ConversionRequest) -> Signature:
    """Writes the file in the precision asked for; returns its signature."""
    from ai_edge_quantizer import quantizer

    recipes = _recipes(request.precision)
    worker = quantizer.Quantizer(str(request.source.path), recipes.get_quantization_recipe())
    ranges = _ranges(request, recipes) if request.precision in (Precision.INT8, Precision.INT8_IO) else None
    result = worker.quantize(ranges, enable_progress_report=False)
    result.export_model(str(request.target), overwrite=True)
    return described(request.target, request.source.signature)


def _recipes(precision: Precision) -> Any:
    """ai-edge-quantizer's rules of a precision, for every operator that it supports."""
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.recipe_manager import RecipeManager

    recipes, every, everything = RecipeManager(), ".*", TFLOperationName.ALL_SUPPORTED
    if precision is Precision.FP16:
        recipes.add_weight_only_config(every, everything, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING)
    elif precision is Precision.DYNAMIC:
        recipes.add_dynamic_config(every, everything, num_bits=8)
    else:
        recipes.add_static_config(every, everything, activation_num_bits=8, weight_num_bits=8)
    if precision is Precision.INT8:  # float at the edges: the quantizer adds QUANTIZE and DEQUANTIZE
        for edge in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
            recipes.add_quantization_config(every, edge, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return recipes


def _ranges(request: ConversionRequest, recipes: Any) -> Any:
    """The range of every activation over the calibration samples."""
    from ai_edge_quantizer.calibrator import Calibrator
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    assert request.calibration is not None  # required before
    source = request.source
    stacks = adapt.to_file(
        load_samples(request.calibration), source.source.inputs, source.signature.inputs, stacked=True
    )
    calibrator = Calibrator(source.path.read_bytes(), num_threads=1, qsv_update_func=min_max_update)
    calibrator.calibrate({signature_key(source.path): list(each_sample(stacks))}, recipes)
    return calibrator.get_model_qsvs()
