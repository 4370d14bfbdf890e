"""Static int8 by PyTorch's PT2E with XNNPACK's quantizer: weights per channel and symmetric, activations asymmetric.

Ranges of activations are the smallest and the largest value over all calibration samples; raw pixels 0..255 so get
the exact scale 1.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from executorch.backends.xnnpack.quantizer import xnnpack_quantizer_utils
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    CONV_TARGETS,
    CONV_TRANSPOSE_TARGETS,
    LINEAR_TARGETS,
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir.passes.quantize_io_pass import quantize_input, quantize_output
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.samples import each_sample, load_samples
from converters.tuning.exported import finer_factors, multiplied_and_added

_FUSING = CONV_TARGETS | CONV_TRANSPOSE_TARGETS | LINEAR_TARGETS
_CLAMPS = (torch.ops.aten.hardtanh.default, torch.ops.aten.hardtanh_.default)


def quantize(model: Any, request: ConversionRequest) -> Any:
    """The graph with its operators between quantized tensors, calibrated."""
    assert request.calibration is not None  # required before
    names = [spec.name for spec in request.source.source.inputs]
    with _relu6_fused():
        prepared = prepare_pt2e(multiplied_and_added(model), XNNPACKQuantizer().set_global(_config()))
    finer_factors(prepared)
    with torch.no_grad():
        for sample in each_sample(load_samples(request.calibration)):
            prepared(*(torch.tensor(sample[name]) for name in names))
    return convert_pt2e(prepared)


@contextlib.contextmanager
def _relu6_fused() -> Iterator[None]:
    """Gives ReLU6 its place behind a convolution or a linear layer while it lasts, as ReLU has it.

    XNNPACK's quantizer measures the convolution's own output there, of which ReLU6 then uses a part: half of the 256
    steps are lost. XNNPACK itself runs the two as one, and the quantizer has no option for it.
    """

    def fused(node: Any) -> bool:
        if node.op == "call_function" and node.target in _CLAMPS and len(node.args) > 1:
            return bool(node.args[1] == 0 and node.args[0].target in _FUSING)
        return bool(plain(node))

    plain = xnnpack_quantizer_utils.is_relu_node
    with mock.patch.object(xnnpack_quantizer_utils, "is_relu_node", fused):
        yield


def _config() -> Any:
    """XNNPACK's own, with ranges by smallest and largest value where it takes a histogram."""
    config = get_symmetric_quantization_config(is_per_channel=True)
    activation = dataclasses.replace(
        config.input_activation, observer_or_fake_quant_ctr=MinMaxObserver.with_args(eps=2**-12)
    )
    return dataclasses.replace(config, input_activation=activation, output_activation=activation)


def integer_ends(program: Any, signature: Signature) -> Signature:
    """Makes float inputs and outputs of an exported, quantized program int8; returns the signature that it has then.

    Raises:
        UnsupportedError: an input is not quantized first of all, or an output not dequantized last of all.
    """

    def end(index: int, spec: TensorSpec, make: Any) -> TensorSpec:
        if "float" not in spec.dtype:
            return spec
        try:
            scale, zero_point, *_ = make(program, index)
        except ValueError as error:
            raise UnsupportedError(f"{spec.name!r} cannot be int8: {error}") from error
        return dataclasses.replace(spec, dtype="int8", scale=float(scale), zero_point=int(zero_point))

    return Signature(
        tuple(end(index, spec, quantize_input) for index, spec in enumerate(signature.inputs)),
        tuple(end(index, spec, quantize_output) for index, spec in enumerate(signature.outputs)),
    )
