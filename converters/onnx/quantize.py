"""Lower precisions of an ONNX file by ONNX Runtime's own tools; neither torch nor TensorFlow is needed.

Dynamic quantization is not offered: ONNX Runtime knows it for convolutions with one scale a tensor only.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from converters import adapt
from converters.contract import Arrays, Artifact, ConversionRequest, Precision, Signature
from converters.errors import ContractError, UnsupportedError, UsageError
from converters.onnx.inspect import read_signature, write_signature
from converters.onnx.load import load, tensors
from converters.onnx.order import sort_nodes

_METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
"""`percentile` keeps every activation of every calibration sample in memory. ONNX Runtime's `entropy` is not here: with
its 128 bins for 128 levels it gives the ranges of `minmax`."""


def quantize_onnx(request: ConversionRequest) -> Signature:
    """Writes the fp32 file of `request.source` as fp16 or int8; inputs and outputs stay float32.

    Raises:
        UnsupportedError: no operator can be quantized, or a weight is beyond float16.
    """
    if request.precision is Precision.INT8:
        model = _static_int8(request)
    elif request.precision is Precision.FP16:
        model = _half(request)
    else:
        raise ContractError(f"quantize_onnx makes fp16 and int8, not {request.precision}")
    sort_nodes(model.graph)
    write_signature(model, request.source.signature)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, request.target)
    return read_signature(model)


def _static_int8(request: ConversionRequest) -> onnx.ModelProto:
    """QDQ with int8 weights per output channel (symmetric) and int8 activations (asymmetric).

    Every operator stands between quantized tensors, also those that ONNX Runtime leaves in float by default (`Div`,
    `Sub`, ...): an integer-only accelerator takes no others.
    """
    method = request.options.get("calibration_method", "minmax")
    if method not in _METHODS:
        raise UsageError(f"there is no calibration_method {method!r}; there are {', '.join(_METHODS)}")
    if request.calibration is None:
        raise ContractError("int8 needs calibration inputs")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        prepared, made = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(request.source.path, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            _Samples(request.source, request.calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=sorted({node.op_type for node in onnx.load(prepared).graph.node}),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=_METHODS[method],
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        model = onnx.load(made)
    if not any(tensor.data_type == onnx.TensorProto.INT8 for tensor in model.graph.initializer):
        raise UnsupportedError("ONNX Runtime quantizes no operator of this model; it would stay float32")
    return model


def _half(request: ConversionRequest) -> onnx.ModelProto:
    """Weights and operators in float16, casts at inputs and outputs."""
    model = load(request.source.path)
    largest = np.finfo(np.float16).max
    for tensor in tensors(model.graph):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor)
            if values.size and np.abs(values).max() > largest:
                raise UnsupportedError(f"{tensor.name!r} holds {np.abs(values).max():g}, beyond float16's {largest:g}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers below 6e-8 become that, one warning each
        half = convert_float_to_float16(model, keep_io_types=True)
    del half.graph.value_info[:]  # operators that stay float32 (Resize) are written there as float16
    return half


class _Samples(CalibrationDataReader):
    """The calibration inputs, one call at a time, in the file's layout."""

    def __init__(self, artifact: Artifact, path: Path) -> None:
        self._calls = self._read(artifact, path)

    @staticmethod
    def _read(artifact: Artifact, path: Path) -> Iterator[Arrays]:
        with np.load(path, allow_pickle=False) as archive:
            stacks = {name: archive[name] for name in archive.files}
        for i in range(min(map(len, stacks.values()), default=0)):
            call = {name: stack[i] for name, stack in stacks.items()}
            yield adapt.to_file(call, artifact.source.inputs, artifact.signature.inputs)

    def get_next(self) -> Arrays | None:
        """The next call's inputs; None after the last."""
        return next(self._calls, None)
