"""What the record of a file holds; tests/gates/test_precision_gate.py shows the gate failing."""

from __future__ import annotations

import pytest
from gates import files, mini

from converters.contract import Format, Precision
from pipeline.checks.outcome import Outcome
from pipeline.checks.precision import check_precision

GATES = mini.gates().precision


def test_weights_are_counted_by_type() -> None:
    metrics = check_precision(files.tflite_dynamic().inspection(), Precision.DYNAMIC, GATES[Precision.DYNAMIC]).metrics
    weights = 64 * 27 + 10 * 4096
    assert metrics["weight_elements"] == weights + 20
    assert metrics["weight_bytes"] == weights + 80
    assert metrics["share_int8"] == pytest.approx(weights / (weights + 20))


def test_scales_and_zero_points_are_no_weights() -> None:
    metrics = check_precision(files.onnx_qdq().inspection(), Precision.INT8, GATES[Precision.INT8]).metrics
    assert metrics["weight_elements"] == 64 * 27
    assert metrics["share_int8"] == 1.0


def test_small_weights_may_stay_float_in_a_dynamic_file() -> None:
    file = files.tflite_dynamic()
    file.weight("float32", 10, 100)
    gate = GATES[Precision.DYNAMIC]
    assert check_precision(file.inspection(), Precision.DYNAMIC, gate).outcome is Outcome.PASSED
    file.weight("float32", 60_000)  # a bias of any length
    assert check_precision(file.inspection(), Precision.DYNAMIC, gate).outcome is Outcome.PASSED
    file.weight("float32", 60, 1000)
    assert check_precision(file.inspection(), Precision.DYNAMIC, gate).outcome is Outcome.FAILED


def test_weights_that_are_all_small_still_have_to_be_of_the_type() -> None:
    file = files.File()
    x = file.add("float32", 1, 8)
    file.op("FULLY_CONNECTED", [x, file.weight("float32", 4, 8)], "float32", 1, 4)
    check = check_precision(file.inspection(), Precision.DYNAMIC, GATES[Precision.DYNAMIC])
    assert check.reasons == ("called dynamic, but its weights are 32 float32",)


def test_run_time_quantization_is_what_dynamic_means() -> None:
    file = files.File(Format.ONNX)
    x = file.op("DynamicQuantizeLinear", [file.add("float32", 1, 64)], "uint8", 1, 64, scales=1)
    x = file.op("MatMulInteger", [x, file.weight("int8", 64, 64)], "int32", 1, 64)
    check = check_precision(file.inspection(), Precision.DYNAMIC, GATES[Precision.DYNAMIC])
    assert check.outcome is Outcome.PASSED, check.reasons


def test_activations_quantized_ahead_of_time_are_not_dynamic() -> None:
    check = check_precision(files.tflite_int8().inspection(), Precision.DYNAMIC, GATES[Precision.DYNAMIC])
    assert any("activations are quantized ahead of time" in reason for reason in check.reasons)


def test_torchscript_is_judged_by_its_constants() -> None:
    file = files.File(Format.TORCHSCRIPT)
    file.weight("float32", 100, 100)
    inspection = file.inspection()
    assert check_precision(inspection, Precision.FP32, GATES[Precision.FP32]).outcome is Outcome.PASSED
    assert check_precision(inspection, Precision.FP16, GATES[Precision.FP16]).outcome is Outcome.FAILED


def test_long_lists_are_cut() -> None:
    file = files.tflite_float()
    for _ in range(9):
        file.weight("float16", 64)
    check = check_precision(file.inspection(), Precision.FP32, GATES[Precision.FP32])
    assert "and 4 more" in check.reasons[0]


def test_a_file_without_weights_passes_only_for_a_model_without() -> None:
    inspection, gate = files.File(Format.TFLITE).inspection(), GATES[Precision.FP32]
    assert check_precision(inspection, Precision.FP32, gate).outcome is Outcome.FAILED
    assert check_precision(inspection, Precision.FP32, gate, weightless=True).outcome is Outcome.PASSED


def test_a_table_of_integers_that_is_looked_up_is_no_activation_quantized_ahead_of_time() -> None:
    file = files.File(Format.ONNX)
    table = file.weight("uint8", 1000, 64, scales=1)
    rows = file.op("Gather", [table, file.add("int64", 1, 16)], "uint8", 1, 16, 64, scales=1)
    x = file.op("DequantizeLinear", [rows], "float32", 1, 16, 64)
    x = file.op("DynamicQuantizeLinear", [x], "uint8", 1, 16, 64, scales=1)
    file.op("MatMulInteger", [x, file.weight("int8", 64, 64)], "int32", 1, 16, 64)
    check = check_precision(file.inspection(), Precision.DYNAMIC, GATES[Precision.DYNAMIC])
    assert check.outcome is Outcome.PASSED, check.reasons


def test_positions_that_are_added_may_stay_float_in_a_file_of_half_precision_and_kernels_may_not() -> None:
    def check(kind: str) -> Outcome:
        file = files.File()
        x = file.op("FULLY_CONNECTED", [file.add("float32", 16, 64), file.weight("float16", 64, 64)], "float32", 16, 64)
        file.op(kind, [x, file.weight("float32", 16, 64)], "float32", 16, 64)
        return check_precision(file.inspection(), Precision.FP16, GATES[Precision.FP16]).outcome

    assert check("ADD") is Outcome.PASSED
    assert check("BATCH_MATMUL") is Outcome.FAILED
