"""tests/gates/test_precision_gate.py shows the gate that these feed failing."""

from __future__ import annotations

import pytest
from gates import files

from converters.contract import Format, Precision
from pipeline.checks.weights import addends, beside, judged, wide_bytes


def test_what_is_only_added_or_multiplied_is_no_kernel() -> None:
    file = files.File()
    x = file.add("float32", 16, 32)
    positions, kernel, shared = (file.weight("float32", 32, 32) for _ in range(3))
    for kind, weight in (("ADD", positions), ("FULLY_CONNECTED", kernel), ("MUL", shared), ("FULLY_CONNECTED", shared)):
        x = file.op(kind, [x, weight], "float32", 16, 32)
    found = addends(file.inspection())
    assert positions in found
    assert not found & {kernel, shared}


def test_the_bias_of_a_recurrent_layer_and_what_is_expanded_to_be_added_are_no_kernels() -> None:
    file = files.File(Format.ONNX)
    x, scale = file.add("float32", 16, 1, 32), file.weight("float32", 1)
    weights, bias, positions, stored = (file.weight(kind, 2, 96) for kind in ("int8", "float32", "uint16", "uint16"))
    x = file.op("GRU", [x, weights, weights, bias], "float32", 16, 2, 1, 96)
    x = file.op("Add", [x, file.op("DequantizeLinear", [positions, scale], "float32", 2, 96)], "float32", 16, 2, 1, 96)
    x = file.op("MatMul", [x, file.op("DequantizeLinear", [stored, scale], "float32", 2, 96)], "float32", 16, 2, 1, 96)
    found = addends(file.inspection())
    assert {bias, positions} <= found
    assert not found & {weights, stored}


@pytest.mark.parametrize("kinds", [("Slice", "Add"), ("Reshape", "Expand", "Mul"), ("Cast", "Transpose", "Where")])
def test_what_is_cut_or_turned_before_it_is_added_is_no_kernel_and_what_is_multiplied_then_is(kinds) -> None:
    for last, expected in ((kinds[-1], True), ("MatMul", False)):
        file = files.File(Format.ONNX)
        x, table = file.add("float32", 16, 32), file.weight("float32", 1, 2048, 32)
        made = table
        for kind in kinds[:-1]:
            made = file.op(kind, [made, file.weight("int64", 2)], "float32", 16, 32)
        file.op(last, [x, made], "float32", 16, 32)
        assert (table in addends(file.inspection())) is expected


def test_what_nobody_reads_and_what_is_given_out_counts() -> None:
    file = files.File(Format.ONNX)
    unread, given = (file.weight("float32", 100, 32) for _ in range(2))
    file.op("Identity", [given], "float32", 100, 32)
    assert not addends(file.inspection()) & {unread, given}


@pytest.mark.parametrize(("format", "kind"), [(Format.ONNX, "Gather"), (Format.TFLITE, "EMBEDDING_LOOKUP")])
def test_a_table_that_rows_are_taken_out_of_counts_where_a_quantizer_takes_it(format, kind) -> None:
    file = files.File(format)
    table, chosen = (file.weight("float32", 100, 32) for _ in range(2))
    rows = file.op(kind, [table, file.add("int64", 4)], "float32", 4, 32)
    fixed = file.op("Gather", [chosen, file.weight("int64", 4)], "float32", 4, 32)
    file.op("Add", [rows, fixed], "float32", 4, 32)
    found = beside(file.inspection(), Precision.INT8_WEIGHTS)
    assert table not in found
    assert chosen in found


def test_what_stays_in_float_is_allowed_its_bytes_and_no_others() -> None:
    file = files.tflite_weights("int8")
    file.op("ADD", [0, file.weight("float32", 8, 8, 100)], "float32", 8, 8, 100)
    of = file.inspection()
    assert wide_bytes(of, Precision.INT8_WEIGHTS, 65, 0.25) == 3 * (8 * 8 * 100 + 2 * 10)  # and two biases
    dense = file.weight("float32", 10, 640)
    file.op("FULLY_CONNECTED", [0, dense], "float32", 10)
    assert wide_bytes(file.inspection(), Precision.INT8_WEIGHTS, 65, 0.25) == wide_bytes(
        of, Precision.INT8_WEIGHTS, 65, 0.25
    )
    assert file.tensors[dense] in judged(file.inspection(), Precision.INT8_WEIGHTS, 65)
