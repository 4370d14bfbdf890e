from __future__ import annotations

import pytest
from gates import files

from converters.contract import Format
from pipeline.checks.float_ops import float_ops


def test_a_float_file_computes_in_float() -> None:
    assert float_ops(files.tflite_float().inspection()) == ["CONV_2D", "FULLY_CONNECTED"]


@pytest.mark.parametrize("edges", [True, False])
def test_an_integer_file_does_not(edges: bool) -> None:
    assert float_ops(files.tflite_int8(edges=edges).inspection()) == []


def test_moving_values_is_not_computing() -> None:
    file = files.File()
    x = file.add("float32", 1, 8)
    file.op("RESHAPE", [x], "float32", 8, 1)
    assert float_ops(file.inspection()) == []


@pytest.mark.parametrize(
    "kind", ["StaticTranspose", "StaticReshape", "Concatenate3", "aten::view_copy.out", "aten::permute_copy.out"]
)
def test_moving_values_in_an_executorch_program_is_not_computing(kind: str) -> None:
    file = files.File(Format.EXECUTORCH)
    file.op(kind, [file.add("float32", 1, 8)], "float32", 8, 1)
    assert float_ops(file.inspection()) == []


def test_an_executorch_program_between_quantize_and_dequantize_is_integer() -> None:
    file = files.File(Format.EXECUTORCH)
    x = file.op("Quantize", [file.add("float32", 1, 8)], "int8", 1, 8, scales=1)
    x = file.op("FullyConnected", [x, file.weight("int8", 4, 8, scales=4)], "int8", 1, 4, scales=1)
    x = file.op("quantized_decomposed::dequantize_per_tensor.out", [x], "float32", 1, 4)
    assert float_ops(file.inspection()) == []
    file.op("aten::_softmax.out", [x], "float32", 1, 4)
    assert float_ops(file.inspection()) == ["aten::_softmax.out"]


def test_in_a_tflite_file_dequantize_float_quantize_is_float() -> None:
    assert float_ops(files.tflite_int8(leftover="LOGISTIC").inspection()) == ["LOGISTIC"]


def test_in_an_onnx_file_the_same_pattern_is_integer() -> None:
    assert float_ops(files.onnx_qdq().inspection()) == []


@pytest.mark.parametrize("format", [Format.TFLITE, Format.ONNX])
def test_indices_that_come_as_floats_are_cast_and_that_is_no_float_arithmetic(format: Format) -> None:
    file = files.File(format)
    x = file.op("Cast" if format is Format.ONNX else "CAST", [file.add("float32", 1, 8)], "int32", 1, 8)
    file.op("GATHER", [file.weight("int8", 4, 8, scales=1), x], "int8", 8, 8, scales=1)
    assert float_ops(file.inspection()) == []
    half = file.op("CAST", [file.add("float32", 1, 8)], "float16", 1, 8)
    file.op("ABS", [half], "float16", 1, 8)
    assert float_ops(file.inspection()) == ["CAST", "ABS"]


@pytest.mark.parametrize(("format", "kind"), [(Format.TFLITE, "ONE_HOT"), (Format.ONNX, "OneHot")])
def test_a_row_of_zeros_and_a_one_of_an_index_is_no_float_arithmetic(format: Format, kind: str) -> None:
    """A classifier of file types begins with bytes, each told as such a row: its int8 files were FAILED for it."""
    file = files.File(format)
    file.op(kind, [file.add("int32", 1, 8)], "float32", 1, 8, 257)
    assert float_ops(file.inspection()) == []
    file.op(kind, [file.add("float32", 1, 8)], "float32", 1, 8, 257)
    assert float_ops(file.inspection()) == [kind]


def test_an_unknown_type_counts_as_float() -> None:
    file = files.File(Format.ONNX)
    file.op("Conv", [file.add("", 1)], "", 1)
    assert float_ops(file.inspection()) == ["Conv"]


def test_integer_arithmetic_on_shapes_is_not_float() -> None:
    file = files.File(Format.ONNX)
    file.op("Mul", [file.add("int32", 2)], "int32", 2)
    assert float_ops(file.inspection()) == []


def test_an_activation_behind_data_movement_is_not_folded() -> None:
    file = files.File(Format.ONNX)
    x = file.op("Reshape", [file.add("float32", 4)], "float32", 2, 2)
    x = file.op("Relu", [x], "float32", 2, 2)
    file.op("QuantizeLinear", [x], "int8", 2, 2)
    assert float_ops(file.inspection()) == ["Relu"]


def test_operators_that_a_recipe_keeps_do_not_count_and_others_do() -> None:
    inspection = files.tflite_int8(leftover="LOGISTIC").inspection()
    name = next(inspection.tensors[op.outputs[0]].name for op in inspection.ops if op.type == "LOGISTIC")
    assert float_ops(inspection, kept=(name,)) == []
    assert float_ops(inspection, kept=(f"{name}0",)) == ["LOGISTIC"]
