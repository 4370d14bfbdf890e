"""Lower precisions of an ONNX file by ONNX Runtime's own tools; neither torch nor TensorFlow is needed.

Dynamic quantization knows one scale a tensor for convolutions: its files are the less accurate ones.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from converters.contract import CALIBRATED, ConversionRequest, Precision, Signature
from converters.errors import ConfigError, UnsupportedError
from converters.masks import masked_in
from converters.onnx.clips import hold, release
from converters.onnx.graph import read_graph
from converters.onnx.inspect import read_signature, write_signature
from converters.onnx.integer_ends import integer_ends
from converters.onnx.load import load, tensors
from converters.onnx.order import sort_nodes
from converters.onnx.own_biases import with_own_biases
from converters.onnx.prepare import correct, folded, prepared, statistics
from converters.onnx.weight_only import RECURRENT, in_opset, with_scales_a_channel, with_small_weights
from converters.tuning.calibration import Calibration, require_finite
from converters.tuning.options import Tuning, kept_names, parse

OPSET, WIDE_OPSET = 13, 21
"""The first in which DequantizeLinear knows a scale a channel, and QuantizeLinear integers of 16 bits."""
_ARITHMETIC = frozenset(("Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Exp", "Log", "Sin", "Cos", "MatMul", "Range"))
WIDE_HEADROOM = 2.0
"""Of 16 bits one is given for what lies beyond the ranges that calibration saw: cut off, it costs more than that."""


def quantize_onnx(request: ConversionRequest) -> Signature:
    """Writes the fp32 file of `request.source` in a lower precision; returns its signature.

    Inputs and outputs stay float32, but for int8-io.

    Raises:
        UnsupportedError: no operator can be quantized, or a weight is beyond float16.
        ConfigError: a recipe that names an operator, a rule or a step that there is not.
    """
    tuning = parse(request.options)
    names = frozenset(kept_names(read_graph(request.source.path), tuning) if tuning.keeps else ())
    signature = request.source.signature
    if request.precision in CALIBRATED:
        model = _static(request, tuning, names)
    elif Tuning(keep=tuning.keep, keep_ops=tuning.keep_ops) != tuning:
        raise ConfigError(f"{request.precision} has no calibration: of the recipe's keys it takes keep and keep_ops")
    else:
        model = _uncalibrated(request, names)
    sort_nodes(model.graph)
    if request.precision is Precision.INT8_IO:
        signature = integer_ends(model, signature)
    write_signature(model, signature)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, request.target)
    return read_signature(model)


def _uncalibrated(request: ConversionRequest, names: frozenset[str]) -> onnx.ModelProto:
    if request.precision is Precision.FP16:
        return _half(request, names)
    if request.precision is Precision.DYNAMIC:
        return _dynamic(request, names)
    bits = {Precision.INT8_WEIGHTS: 8, Precision.INT4_WEIGHTS: 4}
    return with_small_weights(_loaded(request.source.path), bits[request.precision], names)


def _loaded(path: Path) -> onnx.ModelProto:
    """The file's graph, without the branches that constants decide: what reads its weights there is not seen."""
    model = load(path)
    if not any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute):
        return model
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        return onnx.load(folded(path, Path(folder)))


def _dynamic(request: ConversionRequest, names: frozenset[str]) -> onnx.ModelProto:
    """int8 weights, activations quantized while the model runs; matrices have a scale a column.

    Weights of operators that ONNX Runtime cannot compute so (ConvTranspose, GRU) are int8 behind DequantizeLinear.
    """
    model = _loaded(request.source.path)
    del model.graph.value_info[:]  # of weights that are turned, which would be told as they were
    for place, node in enumerate(model.graph.node):
        node.name = f"{place}:{node.op_type}"
    kept = [node.name for node in model.graph.node if names & set(node.output)]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        made = Path(folder) / "dynamic.onnx"
        quantize_dynamic(model, made, per_channel=True, weight_type=QuantType.QInt8, nodes_to_exclude=kept)
        found = onnx.load(made)
    _require_quantized(found)
    return _smaller(found, names)


def _static(request: ConversionRequest, tuning: Tuning, names: frozenset[str]) -> onnx.ModelProto:
    """QDQ with int8 weights per output channel (symmetric) and int8 or uint16 activations (asymmetric).

    Every operator but those that are kept stands between quantized tensors, also those that ONNX Runtime leaves in
    float by default (`Div`, `Sub`, ...): an integer-only accelerator takes no others. What lies between a mask and its
    Softmax stays in float, too: no grid holds it. Beside 16-bit activations, tables
    that rows are taken out of and recurrent weights are int8 too: ONNX Runtime gives them the activations' type.
    """
    calibration = Calibration.of(request)
    require_finite(read_graph(request.source.path))
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(sys.stderr):
        folder = Path(name)
        path, made = prepared(request.source.path, calibration, tuning, folder), folder / "int8.onnx"

        def quantize(source: Path, target: Path) -> None:
            _quantize_static(source, target, calibration, tuning, names, wide=request.precision is Precision.INT16X8)

        if tuning.bias_correction:
            path = correct(path, calibration, folder, quantize)
        quantize(path, made)
        if request.edited and (tuning.equalize or tuning.bias_correction):
            shutil.copyfile(path, request.edited)
        model = onnx.load(made)
        with_scales_a_channel(model, onnx.load(path))
    if request.precision is Precision.INT16X8:
        return _smaller(model, names)
    _require_quantized(model)
    return model


def _smaller(model: onnx.ModelProto, names: frozenset[str]) -> onnx.ModelProto:
    """The model with the weights that were left in float as int8 behind DequantizeLinear."""
    with contextlib.suppress(UnsupportedError):  # none is large enough
        model = with_small_weights(model, 8, names)
    _require_quantized(model)
    return model


def _require_quantized(model: onnx.ModelProto) -> None:
    if not any(tensor.data_type == onnx.TensorProto.INT8 for tensor in model.graph.initializer):
        raise UnsupportedError("ONNX Runtime quantizes no operator of this model; it would stay float32")
    graphs = [attribute.g for node in model.graph.node for attribute in node.attribute if attribute.HasField("g")]
    weights = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) > 1]
    if not weights and any(len(tensor.dims) > 1 for graph in graphs for tensor in tensors(graph)):
        raise UnsupportedError(
            "all weights lie in branches (If), which ONNX Runtime does not quantize; where an input decides which is "
            "taken, say what it always is, as in --input sr=16000"
        )


def _quantize_static(
    source: Path, target: Path, calibration: Calibration, tuning: Tuning, names: frozenset[str], *, wide: bool
) -> None:
    model = in_opset(onnx.load(source), WIDE_OPSET if wide else OPSET)
    for place, node in enumerate(model.graph.node):  # they are excluded by their names, which need not be there
        node.name = f"{place}:{node.op_type}"
    graph = read_graph(source)
    hidden = masked_in(graph)
    names |= {graph.tensors[index].name for op in hidden.ops for index in op.outputs}
    kept = [node.name for node in model.graph.node if names & set(node.output)]
    if wide:
        constants = {tensor.name for tensor in model.graph.initializer}
        kept += [node.name for node in model.graph.node if _weights_as_activations(node, constants)]
    with_own_biases(model.graph)
    readers = hold(model.graph)
    ranges = target.with_suffix(".json")
    ranges.write_text(statistics(source, calibration, tuning.ranges, WIDE_HEADROOM if wide else 1.0))
    quantize_static(
        model,
        target,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=sorted({node.op_type for node in model.graph.node}),
        nodes_to_exclude=kept + readers,
        per_channel=True,
        activation_type=QuantType.QUInt16 if wide else QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibration_cache_path=ranges,
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )
    if readers:
        made = onnx.load(target)
        release(made.graph, readers)
        onnx.save(made, target)


def _weights_as_activations(node: onnx.NodeProto, constants: set[str]) -> bool:
    """Whether ONNX Runtime gives the operator's weights the type of activations."""
    return node.op_type in RECURRENT or (node.op_type == "Gather" and node.input[0] in constants)


def _half(request: ConversionRequest, names: frozenset[str]) -> onnx.ModelProto:
    """Weights and operators in float16, casts at inputs and outputs."""
    model = _loaded(request.source.path)
    if _beyond_half(model) or _computes_constants(model):  # a norm's variance may be that large until it is folded
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            model = onnx.load(folded(request.source.path, Path(folder)))
    if found := _beyond_half(model):
        raise UnsupportedError(f"{found[0]!r} holds {found[1]:g}, beyond float16's {np.finfo(np.float16).max:g}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers below 6e-8 become that, one warning each
        for place, node in enumerate(model.graph.node):
            node.name = node.name or f"{place}:{node.op_type}"
        kept = [node.name for node in model.graph.node if names & set(node.output)]
        half = convert_float_to_float16(model, keep_io_types=True, node_block_list=kept or None)
    del half.graph.value_info[:]  # operators that stay float32 (Resize) are written there as float16
    return half


def _computes_constants(model: onnx.ModelProto) -> bool:
    """Whether constants are computed in the graph, as angles of a Fourier transform are: once, and not in half."""
    known = {tensor.name for tensor in model.graph.initializer} - {value.name for value in model.graph.input}
    for node in model.graph.node:
        if node.op_type == "Constant" or (node.input and known.issuperset(filter(None, node.input))):
            known.update(node.output)
            if node.op_type in _ARITHMETIC:
                return True
    return False


def _beyond_half(model: onnx.ModelProto) -> tuple[str, float] | None:
    """The first constant that float16 cannot hold, and the value; None where there is none."""
    most = float(np.finfo(np.float16).max)
    for tensor in tensors(model.graph):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = np.abs(onnx.numpy_helper.to_array(tensor))
            largest = float(values.max(initial=0.0, where=np.isfinite(values)))  # masks hold Inf, which float16 has
            if largest > most:
                return tensor.name, largest
    return None
