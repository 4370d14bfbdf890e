"""Which operators of a quantized file still compute in float, by the types and patterns around them."""

from __future__ import annotations

from collections.abc import Collection

from converters.contract import Format
from converters.inspection import Inspection, OpInfo
from converters.masks import Masked, masked

_EXECUTORCH = "quantized_decomposed::"
QUANTIZERS = frozenset({
    "QUANTIZE", "QuantizeLinear", "Quantize",
    f"{_EXECUTORCH}quantize_per_tensor.out", f"{_EXECUTORCH}quantize_per_channel.out",
})  # fmt: skip
DEQUANTIZERS = frozenset({
    "DEQUANTIZE", "DequantizeLinear", "Dequantize",
    f"{_EXECUTORCH}dequantize_per_tensor.out", f"{_EXECUTORCH}dequantize_per_channel.out",
    "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale", "constexpr_lut_to_dense", "dequantize",
})  # fmt: skip
"""Of TensorFlow Lite, ONNX, XNNPACK inside of ExecuTorch, ExecuTorch itself, and Core ML."""
RUN_TIME_QUANTIZERS = frozenset({"DynamicQuantizeLinear"})

_MOVERS = frozenset({
    "broadcastto", "cat", "clone", "clonedimorder", "concat", "concatenate2", "concatenate3", "concatenate4",
    "concatenate5", "concatenation", "constantpad", "copy", "etview", "expand", "expanddims", "flatten", "gather",
    "identity", "pack", "pad", "padv2", "permute", "reshape", "shape", "slice", "split", "splitv", "splitwithsizes",
    "squeeze", "stridedslice", "tile", "transpose", "unpack", "unsqueeze", "view",
})  # fmt: skip
"""Operators that only move values, in lower-case letters: float at an edge of the file breaks no integer device."""

_FUSED = frozenset({"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish"})
"""ONNX operators that a runtime folds into the one before, when a QuantizeLinear follows."""


def float_ops(inspection: Inspection, kept: Collection[str] = ()) -> list[str]:
    """The types of operators that compute on float activations, in file order, without those that give out `kept`.

    Those between a mask and its Softmax do not count: no grid holds what a mask puts in (converters/masks.py).

    In a .tflite the kernel follows the tensor types, so that any float activation counts. An ONNX file in QDQ form
    writes float everywhere: there an operator counts unless its activations come from DequantizeLinear and its
    results go to QuantizeLinear, the pattern that runtimes run in integers (ONNX Runtime, "QDQ format").
    """
    graph = _Graph(inspection)
    declared = set(operators_kept(inspection, kept)) | set(masked_in(inspection).ops)
    return [op.type for op in graph.float_ops() if op not in declared]


def operators_kept(inspection: Inspection, kept: Collection[str]) -> list[OpInfo]:
    """The operators that a recipe leaves in float, by the names of what they give out."""
    names = set(kept)
    return [op for op in inspection.ops if any(i >= 0 and inspection.tensors[i].name in names for i in op.outputs)]


def masked_in(inspection: Inspection) -> Masked:
    """What lies between the file's masks and their Softmax."""
    return masked(inspection.ops, [place for place, tensor in enumerate(inspection.tensors) if tensor.mask])


class _Graph:
    """Who makes and who reads each tensor."""

    def __init__(self, inspection: Inspection) -> None:
        self.tensors = inspection.tensors
        self.ops = inspection.ops
        self.qdq = inspection.format in (Format.ONNX, Format.ORT)
        self.maker: dict[int, OpInfo] = {out: op for op in self.ops for out in op.outputs if out >= 0}
        self.readers: dict[int, list[OpInfo]] = {}
        for op in self.ops:
            for tensor in op.inputs:
                if tensor >= 0:
                    self.readers.setdefault(tensor, []).append(op)

    def float_ops(self) -> list[OpInfo]:
        apart = QUANTIZERS | DEQUANTIZERS
        working = [op for op in self.ops if not (op.type in apart or _moves(op) or self._between_types(op))]
        return [op for op in working if self._computes_in_float(op)]

    def _between_types(self, op: OpInfo) -> bool:
        """Whether it makes whole numbers of float ones, as of an input of indices, or the other way round."""
        sides = [[self._is_float(i) for i in tensors] for tensors in (op.inputs, op.outputs)]
        return op.type.lower().replace("_", "") in ("cast", "onehot") and sides[0] != sides[1]

    def _computes_in_float(self, op: OpInfo) -> bool:
        read = [tensor for tensor in op.inputs if self._is_float(tensor)]
        made = [tensor for tensor in op.outputs if self._is_float(tensor)]
        if not self.qdq:
            return bool(read or made)
        fused = op.type in _FUSED and all(self._follows_compute(tensor) for tensor in read)
        return not all(map(self._goes_to_integers, made)) or not (fused or all(map(self._comes_from_integers, read)))

    def _is_float(self, tensor: int) -> bool:
        """Whether a tensor made at run time is float; a type that nobody inferred counts as float."""
        if tensor < 0 or self.tensors[tensor].constant:
            return False
        return self.tensors[tensor].dtype == "" or "float" in self.tensors[tensor].dtype

    def _comes_from_integers(self, tensor: int) -> bool:
        maker = self.maker.get(tensor)
        while maker is not None and _moves(maker):
            maker = self.maker.get(maker.inputs[0])
        return maker is not None and maker.type in DEQUANTIZERS

    def _goes_to_integers(self, tensor: int) -> bool:
        readers = self.readers.get(tensor, [])
        return bool(readers) and all(
            op.type in QUANTIZERS
            or ((op.type in _FUSED or _moves(op)) and all(map(self._goes_to_integers, op.outputs)))
            for op in readers
        )

    def _follows_compute(self, tensor: int) -> bool:
        maker = self.maker.get(tensor)
        return maker is not None and not _moves(maker)


def _moves(op: OpInfo) -> bool:
    return moves(op.type)


def moves(type: str) -> bool:
    """Whether operators of a type only move values: `view` of `aten::view_copy.out`, `reshape` of `StaticReshape`."""
    name = type.rpartition("::")[2].partition(".")[0].lower()
    return name.removesuffix("_copy").removeprefix("static").replace("_", "") in _MOVERS
