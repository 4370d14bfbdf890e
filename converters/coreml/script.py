"""Core ML packages from a TorchScript archive, whose graph coremltools reads as it stands: torch.export need not."""

from __future__ import annotations

import contextlib
import sys

from converters import source
from converters.contract import ConversionRequest, Signature
from converters.coreml.convert import end_types, options_of, save
from converters.coreml.toolkit import coremltools
from converters.errors import UnsupportedError
from converters.model_files import script
from converters.words import last_words


def coreml_from_torchscript(request: ConversionRequest) -> Signature:
    """Writes the package that coremltools makes of the archive itself, with the source's layouts.

    Raises:
        UnsupportedError: an operator that coremltools does not convert, an end that Core ML does not have, or state.
    """
    import torch

    ct = coremltools("torch")
    signature = request.source.source
    types = end_types(signature)
    module = script.load(request.source.path)
    script.require_stateless(module, "Core ML")
    inputs = [
        ct.TensorType(name=f"input_{place}", shape=source.fixed(spec), dtype=types[spec.name])
        for place, spec in enumerate(signature.inputs)
    ]
    try:
        with torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
            made = ct.convert(torch.jit.freeze(module.eval()), inputs=inputs, **options_of(ct, request))
    except Exception as error:  # whatever its handlers run into
        raise UnsupportedError(f"coremltools: {last_words(error)}") from error
    return save(made, request, signature)
