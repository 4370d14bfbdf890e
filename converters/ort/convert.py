"""ORT files from ONNX: optimised by ONNX Runtime ahead of time, beside them the list of operators that they need."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import tempfile
from pathlib import Path

from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

from converters import content
from converters.contract import ConversionRequest, Precision, Signature
from converters.errors import UnsupportedError
from converters.onnx.quantize import quantize_onnx

OPERATORS = "required_operators.config"
"""The file beside an .ort: what a build of ONNX Runtime (`--include_ops_by_config`) must hold to run it."""


def ort_from_onnx(request: ConversionRequest) -> Signature:
    """Writes the ORT file of an ONNX file, quantized first where that is asked for; returns its signature.

    Optimisations that only hold for one processor (blocked layouts) are left to the phone.

    Raises:
        UnsupportedError: ONNX Runtime does not load the model.
        ConfigError: as `quantize_onnx`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, made = folder / "model.onnx", folder / "made"
        if request.precision is Precision.FP32:
            content.copy(request.source.path, given)
            signature = request.source.signature
        else:
            signature = quantize_onnx(dataclasses.replace(request, target=given))
        try:
            with contextlib.redirect_stdout(sys.stderr):
                convert_onnx_models_to_ort(given, made, [OptimizationStyle.Fixed])
        except Exception as error:  # ONNX Runtime's exceptions share no base
            raise UnsupportedError(f"ONNX Runtime does not make an ORT file of it: {error}") from error
        content.copy(made / "model.ort", request.target)
        rows = (made / f"model.{OPERATORS}").read_text(encoding="utf-8").splitlines()
        wanted = "".join(f"{row}\n" for row in rows if not row.startswith("#"))  # a comment names the temporary folder
        request.beside(OPERATORS).write_text(wanted, encoding="utf-8")
    return signature
