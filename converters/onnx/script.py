"""ONNX from a TorchScript archive by the exporter that reads its graph as it stands, branches and loops too."""

from __future__ import annotations

import contextlib
import sys
import warnings

import onnx

from converters import source
from converters.contract import ConversionRequest, Signature
from converters.errors import UnsupportedError
from converters.model_files import script
from converters.onnx.convert import finish
from converters.words import last_words

OPSET = 18


def onnx_from_torchscript(request: ConversionRequest) -> Signature:
    """Writes the graph that torch.onnx makes of the archive itself.

    Raises:
        UnsupportedError: an operator that the exporter does not know, or an input that is never used.
    """
    import torch

    module = script.load(request.source.path)
    script.require_stateless(module, "ONNX")
    signature = request.source.source
    example = tuple(torch.zeros(source.fixed(spec), dtype=getattr(torch, spec.dtype)) for spec in signature.inputs)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                example,
                str(request.target),
                dynamo=False,
                opset_version=OPSET,
                input_names=[spec.name for spec in signature.inputs],
                output_names=[spec.name for spec in signature.outputs],
            )
    except Exception as error:
        raise UnsupportedError(f"torch.onnx.export: {last_words(error)}") from error
    return finish(onnx.load(request.target), request)
