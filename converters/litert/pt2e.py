"""Static int8 TFLite files from PyTorch by PT2E: quantized as a graph of PyTorch's, and converted as such.

Weights per channel, activations asymmetric, with the ranges that PyTorch's observers saw; integer inputs and outputs.
"""

from __future__ import annotations

from typing import Any

import torch

from converters import adapt, source
from converters.contract import ConversionRequest, Signature
from converters.errors import UnsupportedError
from converters.litert.convert import channels_last, channels_last_module, short_names
from converters.litert.signature import described
from converters.samples import each_sample, load_samples
from converters.tuning.exported import finer_factors, multiplied_and_added
from converters.words import last_words


def litert_pt2e_from_torch(request: ConversionRequest) -> Signature:
    """Writes the int8 file of an nn.Module; returns its signature.

    Raises:
        UnsupportedError: the quantizer does not know an operator in this form, or leaves an input or output in float.
    """
    import litert_torch
    from litert_torch.quantize.pt2e_quantizer import PT2EQuantizer, get_symmetric_quantization_config
    from litert_torch.quantize.quant_config import QuantConfig
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    assert request.calibration is not None  # required before
    own = request.source.source
    wanted = channels_last(own)
    inputs = {spec.name: torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in wanted.inputs}
    model = channels_last_module(request.source, wanted)
    quantizer = PT2EQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    with torch.no_grad():
        graph = multiplied_and_added(torch.export.export(model, (), inputs).module())
        prepared: Any = _prepared(graph, quantizer)
        finer_factors(prepared)
        for sample in each_sample(load_samples(request.calibration)):
            turned = adapt.to_file(sample, own.inputs, wanted.inputs)
            prepared(**{name: torch.tensor(value) for name, value in turned.items()})
    quantized = convert_pt2e(prepared, fold_quantize=False)
    with short_names():
        converted = litert_torch.convert(
            quantized, sample_kwargs=inputs, quant_config=QuantConfig(pt2e_quantizer=quantizer)
        )
        converted.export(str(request.target))
    found = described(request.target, wanted)
    floats = [spec.name for spec in (*found.inputs, *found.outputs) if "float" in spec.dtype]
    if floats:
        raise UnsupportedError(f"PT2E's quantizer leaves {', '.join(floats)} in float: no integers go in and out")
    return found


def _prepared(graph: Any, quantizer: Any) -> Any:
    """The graph with observers; the quantizer's patterns take one form of each operator for granted."""
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    try:
        return prepare_pt2e(graph, quantizer)
    except (LookupError, AssertionError, AttributeError, TypeError, ValueError) as error:
        raise UnsupportedError(f"PT2E's quantizer knows no such form of an operator: {last_words(error)}") from error
