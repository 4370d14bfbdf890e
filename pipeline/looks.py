"""Which precision a file looks like that nobody says anything of."""

from __future__ import annotations

from math import prod

from converters.contract import Format, Precision
from converters.inspection import Inspection

_INDICES = ("uint1", "uint2", "uint3", "uint4", "uint6")
"""Of palettes in Core ML files."""
_COARSEST_FIRST = (*_INDICES, "int4", "uint8", "int8", "float16")
_AT_RUN_TIME = "DynamicQuantizeLinear"
_ROUND = ("QuantizeLinear", "QUANTIZE", _AT_RUN_TIME)


def guess_precision(inspection: Inspection) -> Precision:
    """What the coarsest of the file's weights look like; the check `precision` is stricter, this only chooses a gate.

    Weights may be float where the operators that read them round them.
    """
    weights = {tensor.dtype for tensor in inspection.tensors if tensor.constant and _holds_weights(tensor.shape)}
    main = next((dtype for dtype in _COARSEST_FIRST if dtype in weights), "float32")
    if main == "float16":
        return Precision.FP16
    if inspection.format is Format.COREML and main != "float32":
        return Precision.INT8_WEIGHTS if main == "int8" else Precision.PALETTIZED
    if main in ("int4", "uint4"):
        return Precision.INT4_WEIGHTS
    if main == "float32" and not any(op.type in _ROUND for op in inspection.ops):
        return Precision.FP32
    specs = (*inspection.signature.inputs, *inspection.signature.outputs)
    if specs and all(spec.quantized for spec in specs):
        return Precision.INT8_IO
    produced = {i for op in inspection.ops if op.type != _AT_RUN_TIME for i in op.outputs if i >= 0}
    dtypes = {inspection.tensors[index].dtype for index in produced}
    if dtypes & {"int16", "uint16"}:
        return Precision.INT16X8
    return Precision.INT8 if dtypes & {"int8", "uint8"} else Precision.DYNAMIC


def _holds_weights(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1 and prod(shape) > 1
