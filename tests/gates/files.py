"""Inspections written by hand: what honest and lying files look like, operator by operator."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from converters.contract import Format, Signature, TensorSpec
from converters.inspection import Inspection, Needs, OpInfo, TensorInfo

_BYTES = {"float32": 4, "float16": 2, "int8": 1, "int32": 4, "float64": 8, "uint8": 1}


@dataclass
class File:
    """Collects tensors and operators."""

    format: Format = Format.TFLITE
    tensors: list[TensorInfo] = field(default_factory=list)
    ops: list[OpInfo] = field(default_factory=list)
    io: tuple[str, float | None] = ("float32", None)

    def add(self, dtype: str, *shape: int, constant: bool = False, **more: object) -> int:
        """A tensor; its index."""
        count = 1
        for size in shape:
            count *= size
        info = TensorInfo(f"t{len(self.tensors)}", shape, dtype, constant, count * _BYTES.get(dtype, 0))
        self.tensors.append(dataclasses.replace(info, **more))
        return len(self.tensors) - 1

    def weight(self, dtype: str, *shape: int, **more: object) -> int:
        """A constant tensor; its index."""
        return self.add(dtype, *shape, constant=True, **more)

    def op(self, type: str, inputs: list[int], dtype: str, *shape: int, **more: object) -> int:
        """An operator with one output; the output's index."""
        out = self.add(dtype, *shape, **more)
        self.ops.append(OpInfo(type, tuple(inputs), (out,)))
        return out

    def inspection(self) -> Inspection:
        """The file as an inspector would give it."""
        dtype, scale = self.io
        zero = None if scale is None else 0
        signature = Signature(
            (TensorSpec("image", (1, 8, 8, 3), dtype, "NHWC", scale, zero),),
            (TensorSpec("logits", (1, 10), dtype, "NC", scale, zero),),
        )
        needs = Needs("TensorFlow Lite", "1.14.0", "CONV_2D of version 3", "1.14.0")
        return Inspection(self.format, signature, tuple(self.tensors), tuple(self.ops), "hash", needs=needs)


def tflite_float(weights: str = "float32", **more: object) -> File:
    """Convolution and dense layer in float; with float16 weights each goes through DEQUANTIZE."""
    file = File()
    x = file.add("float32", 1, 8, 8, 3)
    for kind, shape in (("CONV_2D", (64, 3, 3, 3)), ("FULLY_CONNECTED", (10, 4096))):
        weight = file.weight(weights, *shape, **more)
        if weights == "float16":
            weight = file.op("DEQUANTIZE", [weight], "float32", *shape)
        bias = file.weight("float32", 10)
        x = file.op(kind, [x, weight, bias], "float32", 1, 10)
    return file


def tflite_dynamic() -> File:
    """8-bit weights under float activations."""
    return tflite_float("int8", scales=64)


def tflite_weights(dtype: str) -> File:
    """Small weights, each through DEQUANTIZE, under float activations."""
    file = File()
    x = file.add("float32", 1, 8, 8, 3)
    for kind, shape in (("CONV_2D", (64, 3, 3, 3)), ("FULLY_CONNECTED", (10, 4096))):
        weight = file.op("DEQUANTIZE", [file.weight(dtype, *shape, scales=shape[0])], "float32", *shape)
        x = file.op(kind, [x, weight, file.weight("float32", 10)], "float32", 1, 10)
    return file


def tflite_int16x8(narrow: bool = False) -> File:
    """Static int8 weights and int16 activations; with `narrow` the one in the middle has 8 bits."""
    file = File()
    x = file.op("QUANTIZE", [file.add("float32", 1, 8, 8, 3)], "int16", 1, 8, 8, 3, scales=1)
    weight, bias = file.weight("int8", 64, 3, 3, 3, scales=64), file.weight("int64", 64, scales=64)
    x = file.op("CONV_2D", [x, weight, bias], "int8" if narrow else "int16", 1, 8, 8, 64, scales=1)
    weight, bias = file.weight("int8", 10, 4096, scales=10), file.weight("int64", 10, scales=10)
    x = file.op("FULLY_CONNECTED", [x, weight, bias], "int16", 1, 10, scales=1)
    file.op("DEQUANTIZE", [x], "float32", 1, 10)
    return file


def tflite_int8(leftover: str = "", scales: int = 64, edges: bool = True) -> File:
    """Static int8; `edges` adds QUANTIZE and DEQUANTIZE, `leftover` one operator in float in the middle."""
    file = File(io=("float32", None) if edges else ("int8", 0.5))
    x = file.add("float32" if edges else "int8", 1, 8, 8, 3, scales=0 if edges else 1)
    if edges:
        x = file.op("QUANTIZE", [x], "int8", 1, 8, 8, 3, scales=1)
    weight, bias = file.weight("int8", 64, 3, 3, 3, scales=scales), file.weight("int32", 64, scales=scales)
    x = file.op("CONV_2D", [x, weight, bias], "int8", 1, 8, 8, 64, scales=1)
    if leftover:
        x = file.op("DEQUANTIZE", [x], "float32", 1, 8, 8, 64)
        x = file.op(leftover, [x], "float32", 1, 8, 8, 64)
        x = file.op("QUANTIZE", [x], "int8", 1, 8, 8, 64, scales=1)
    weight, bias = file.weight("int8", 10, 4096, scales=10), file.weight("int32", 10, scales=10)
    x = file.op("FULLY_CONNECTED", [x, weight, bias], "int8", 1, 10, scales=1)
    if edges:
        file.op("DEQUANTIZE", [x], "float32", 1, 10)
    return file


def onnx_qdq(
    quantize_output: bool = True, activation: str = "Relu", scales: int = 64, small: str = "int8", weights: str = "int8"
) -> File:
    """QDQ form: float everywhere, each operator between DequantizeLinear and QuantizeLinear of the type `small`."""
    file = File(Format.ONNX)
    scale, zero, many = file.weight("float32"), file.weight("int8"), file.weight("float32", scales)
    x = file.add("float32", 1, 3, 8, 8)
    q = file.op("QuantizeLinear", [x, scale, zero], small, 1, 3, 8, 8, scales=1)
    x = file.op("DequantizeLinear", [q, scale, zero], "float32", 1, 3, 8, 8)
    weight = file.weight(weights, 64, 3, 3, 3, scales=scales)
    w = file.op("DequantizeLinear", [weight, many, zero], "float32", 64, 3, 3, 3)
    x = file.op("Conv", [x, w], "float32", 1, 64, 8, 8)
    x = file.op(activation, [x], "float32", 1, 64, 8, 8)
    x = file.op("Reshape", [x, file.weight("int32", 2)], "float32", 1, 4096)
    if quantize_output:
        q = file.op("QuantizeLinear", [x, scale, zero], small, 1, 4096, scales=1)
        file.op("DequantizeLinear", [q, scale, zero], "float32", 1, 4096)
    return file
