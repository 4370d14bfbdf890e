"""tests/gates/test_precision_gate.py shows the gate that these feed failing."""

from __future__ import annotations

import pytest
from gates import files

from converters.contract import Format
from pipeline.checks.integer_weights import only_moved, per_tensor_convolutions, read_as_integers, taken_out

TRANSPOSED = [("ConvTranspose", Format.ONNX, (24, None, 2, 2)), ("TRANSPOSE_CONV", Format.TFLITE, (None, 2, 2, 24))]
"""Of 24 channels, in each format."""


def test_integers_that_an_operator_computes_with_are_told_from_those_that_are_expanded() -> None:
    assert read_as_integers(files.tflite_weights("int8").inspection()) == []
    assert read_as_integers(files.tflite_dynamic().inspection()) == ["t1", "t4"]


@pytest.mark.parametrize("kind", ["EMBEDDING_LOOKUP", "com.microsoft.MatMulNBits", "Gather", "Reshape"])
def test_what_takes_a_table_apart_expands_it(kind: str) -> None:
    file = files.File()
    file.op(kind, [file.add("float32", 1, 8), file.weight("int8", 100, 8, scales=100)], "float32", 1, 8)
    assert read_as_integers(file.inspection()) == []


def test_convolutions_with_one_scale_for_all_channels_are_named() -> None:
    assert per_tensor_convolutions(files.tflite_int8(scales=1).inspection()) == ["t2"]
    assert per_tensor_convolutions(files.tflite_int8().inspection()) == []


@pytest.mark.parametrize(("kind", "format", "shape"), TRANSPOSED)
def test_a_transposed_convolution_has_its_output_channels_where_its_format_puts_them(kind, format, shape) -> None:
    for channels, named in ((1, []), (6, ["t1"])):
        file = files.File(format)
        sizes = [channels if size is None else size for size in shape]
        file.op(kind, [file.add("int8", 1, 8, 8, 24, scales=1), file.weight("int8", *sizes, scales=1)], "int8", 1)
        assert per_tensor_convolutions(file.inspection()) == named


def test_a_table_that_is_only_taken_apart_is_told_from_one_that_is_multiplied() -> None:
    file = files.File()
    table, both = (file.weight("int16", 100, 32, scales=1) for _ in range(2))
    rows = [file.op("GATHER", [one, file.add("int32", 4)], "int16", 4, 32, scales=1) for one in (table, both)]
    file.op("FULLY_CONNECTED", [rows[0], both], "int16", 4, 100, scales=1)
    assert table in only_moved(file.inspection())
    assert both not in only_moved(file.inspection())


def test_rows_of_a_table_are_weights_and_what_is_computed_is_not() -> None:
    file = files.File(Format.ONNX)
    rows = file.op(
        "Gather", [file.weight("int8", 100, 32, scales=1), file.add("int64", 1, 16)], "int8", 1, 16, 32, scales=1
    )
    made = file.op("QuantizeLinear", [file.add("float32", 1, 16, 32)], "uint8", 1, 16, 32, scales=1)
    moved = file.op("Transpose", [made], "uint8", 1, 32, 16, scales=1)
    both = file.op("Concat", [rows, moved], "uint8", 1, 48, 16, scales=1)
    found = taken_out(file.inspection())
    assert rows in found
    assert not found & {made, moved, both}
