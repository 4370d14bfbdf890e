"""The precision gate finds files that are not what they are called."""

from __future__ import annotations

import re

import pytest
from gates import files, mini

from converters.contract import Precision
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.precision import check_precision

GATES = mini.gates()

HONEST = {
    "fp32": files.tflite_float,
    "fp16": lambda: files.tflite_float("float16"),
    "int8-weights": lambda: files.tflite_weights("int8"),
    "int4-weights": lambda: files.tflite_weights("int4"),
    "int16x8": files.tflite_int16x8,
    "dynamic": files.tflite_dynamic,
    "int8": files.tflite_int8,
    "int8-io": lambda: files.tflite_int8(edges=False),
}


def judge(file: files.File, claimed: str) -> Check:
    return check_precision(file.inspection(), Precision(claimed), GATES.precision[Precision(claimed)])


def said(check: Check, pattern: str) -> None:
    assert check.outcome is Outcome.FAILED
    assert re.search(pattern, " ".join(check.reasons)), check.reasons


@pytest.mark.parametrize("claimed", HONEST)
@pytest.mark.parametrize("true", HONEST)
def test_a_file_passes_under_its_own_name_only(true: str, claimed: str) -> None:
    check = judge(HONEST[true](), claimed)
    assert check.outcome is (Outcome.PASSED if true == claimed else Outcome.FAILED), check.reasons


def test_a_float_file_called_int8_names_its_weights_and_operators() -> None:
    check = judge(files.tflite_float(), "int8")
    said(check, "only 0.0% of its large weights are int8 .* float32 in t1")
    said(check, "2 of 2 operators still compute in float: 1 x CONV_2D, 1 x FULLY_CONNECTED")


def test_an_int4_file_whose_weights_have_8_bits_is_found() -> None:
    said(
        judge(files.tflite_weights("int8"), "int4-weights"),
        "only 0.0% of its large weights are int4 or uint4 .* int8 in",
    )


def test_layers_that_no_quantizer_brings_to_4_bits_are_not_held_to_them() -> None:
    def with_float(kind: str) -> Check:
        file = files.tflite_weights("int4")
        file.op(kind, [0, file.weight("float32", 1, 5, 5, 3000)], "float32", 1, 8, 8, 3)
        return judge(file, "int4-weights")

    assert with_float("DEPTHWISE_CONV_2D").outcome is Outcome.PASSED
    said(with_float("CONV_2D"), "of its large weights are int4")


def test_16_bit_activations_that_have_8_are_found() -> None:
    said(judge(files.tflite_int8(), "int16x8"), "called int16x8, but 3 of 3 activations have 8 bits")
    said(judge(files.tflite_int16x8(narrow=True), "int16x8"), "1 of 3 activations have 8 bits: t4")


def test_an_onnx_file_of_16_bits_is_held_to_its_word() -> None:
    wide = files.onnx_qdq(small="uint16")
    assert judge(wide, "int16x8").outcome is Outcome.PASSED
    said(judge(wide, "int8"), "activations have 16 bits, not 8")
    said(judge(files.onnx_qdq(), "int16x8"), "2 of 2 activations have 8 bits")
    said(judge(files.onnx_qdq(small="uint16", weights="uint16"), "int16x8"), "only 0.0% of its large weights are int8")


def test_weights_that_are_only_expanded_are_not_dynamic_and_the_other_way_round() -> None:
    said(judge(files.tflite_weights("int8"), "dynamic"), "all weights are expanded to float before they are used")
    said(judge(files.tflite_dynamic(), "int8-weights"), "operators compute on integers")


def test_a_leftover_float_operator_is_listed() -> None:
    check = judge(files.tflite_int8(leftover="LEAKY_RELU"), "int8")
    said(check, "1 of 7 operators still compute in float: 1 x LEAKY_RELU")
    assert check.metrics["float_ops"] == 1


def test_one_scale_for_all_channels_fails() -> None:
    said(judge(files.tflite_int8(scales=1), "int8"), "one scale for all channels: t2")
    said(judge(files.onnx_qdq(scales=1), "int8"), "one scale for all channels")


def test_onnx_in_qdq_form_passes() -> None:
    check = judge(files.onnx_qdq(), "int8")
    assert check.outcome is Outcome.PASSED, check.reasons


@pytest.mark.parametrize(
    ("file", "left"),
    [
        (files.onnx_qdq(quantize_output=False), "1 x Conv, 1 x Relu"),
        (files.onnx_qdq(activation="Softmax"), "1 x Conv, 1 x Softmax"),
    ],
    ids=["output never quantized", "an operator no runtime folds"],
)
def test_onnx_with_operators_outside_the_pattern_fails(file: files.File, left: str) -> None:
    said(judge(file, "int8"), f"still compute in float: {left}")


@pytest.mark.parametrize(("bits", "found"), [(8, "8 bits"), (16, "16 bits")])
def test_float32_tensors_with_rounded_values_are_not_float32(bits: int, found: str) -> None:
    said(judge(files.tflite_float(grid_bits=bits), "fp32"), f"values of {found} only: weights were rounded")


def test_a_constant_with_nan_fails_every_claim() -> None:
    for claimed, make in HONEST.items():
        file = make()
        file.weight("float32", 4, finite=False)
        said(judge(file, claimed), "NaN or Inf in the constants")


def test_a_constant_with_inf_is_the_models_own_where_its_source_has_such() -> None:
    file = HONEST["fp32"]()
    file.weight("float32", 4, finite=False)
    gate = mini.gates().precision[Precision.FP32]
    found = [check_precision(file.inspection(), Precision.FP32, gate, odd=odd).outcome for odd in (False, True)]
    assert found == [Outcome.FAILED, Outcome.PASSED]


@pytest.mark.parametrize("kind", ["SELECT_V2", "Where"])
def test_the_infinity_that_a_mask_puts_in_is_no_broken_weight(kind: str) -> None:
    """PyTorch writes an attention's mask so; what computes with it, or is more than a number, fails."""

    def reasons(kind: str, *shape: int) -> tuple[str, ...]:
        file = HONEST["fp32"]()
        mask = file.weight("float32", *shape, finite=False)
        file.op(kind, [file.weight("bool", 4), mask, 0], "float32", 4)
        return check_precision(file.inspection(), Precision.FP32, mini.gates().precision[Precision.FP32]).reasons

    assert not reasons(kind)
    for other in (reasons("ADD"), reasons(kind, 4)):
        assert "NaN or Inf in the constants" in other[0]


@pytest.mark.parametrize("claimed", HONEST)
def test_a_file_without_weights_fails(claimed: str) -> None:
    file = files.File(io=("int8", 0.5) if claimed == "int8-io" else ("float32", None))
    said(judge(file, claimed), "no weights")


def test_quantized_inputs_are_not_int8_with_float_inputs() -> None:
    said(judge(files.tflite_int8(edges=False), "int8"), "these are quantized: image, logits")


def test_integers_without_a_scale_stand_for_nothing() -> None:
    file = files.tflite_int8(edges=False)
    file.io = ("int8", None)
    said(judge(file, "int8-io"), "no input or output has a scale")


def mixed() -> tuple[files.File, str]:
    """Static int8 with one convolution in float in the middle; and the name of what that gives out."""
    file = files.tflite_int8(edges=False)
    x = file.op("DEQUANTIZE", [file.ops[-1].outputs[0]], "float32", 1, 8, 8, 64)
    weight = file.weight("float32", 64, 3, 3, 64)
    x = file.op("CONV_2D", [x, weight, file.weight("float32", 64)], "float32", 1, 8, 8, 64)
    name = file.tensors[x].name
    file.op("QUANTIZE", [x], "int8", 1, 8, 8, 64, scales=1)
    return file, name


def test_a_layer_that_the_recipe_keeps_in_float_passes_and_an_undeclared_one_fails() -> None:
    file, name = mixed()
    gate = GATES.precision[Precision.INT8_IO]

    def check(*kept: str) -> Check:
        return check_precision(file.inspection(), Precision.INT8_IO, gate, kept=kept)

    assert check(name).outcome is Outcome.PASSED, check(name).reasons
    assert check(name).metrics["kept_ops"] == 1
    said(check(), "1 of .* operators still compute in float: 1 x CONV_2D")
    said(check("another"), "1 x CONV_2D")
    said(check("another"), "of its large weights are int8")


@pytest.mark.parametrize("claimed", ["fp16", "int8-weights", "int4-weights", "dynamic"])
def test_a_table_that_no_quantizer_takes_excuses_no_kernel_beside_it(claimed: str) -> None:
    def with_table(kind: str, through: str = "") -> files.File:
        file = HONEST[claimed]()
        table = file.weight("float32", 1, 2048, 192)
        read = file.op(through, [table, file.add("int32", 1)], "float32", 1, 8, 192) if through else table
        file.op(kind, [0, read], "float32", 1, 8, 192)
        return file

    for kind, through in (("ADD", ""), ("ADD", "STRIDED_SLICE"), ("SELECT_V2", "RESHAPE"), ("ADD", "GATHER")):
        assert judge(with_table(kind, through), claimed).outcome is Outcome.PASSED
    for kind, through in (("BATCH_MATMUL", ""), ("FULLY_CONNECTED", "RESHAPE"), ("ADD", "EMBEDDING_LOOKUP")):
        said(judge(with_table(kind, through), claimed), f"called {claimed}, but only .*float32 in t")


@pytest.mark.parametrize("kind", ["GATHER", "EMBEDDING_LOOKUP"])
def test_a_network_of_nothing_but_tables_in_float_is_not_small(kind: str) -> None:
    file = files.File()
    file.op(kind, [file.weight("float32", 1000, 64), file.add("int32", 4)], "float32", 4, 64)
    for claimed in ("fp16", "int8-weights", "int4-weights", "dynamic"):
        assert judge(file, claimed).outcome is Outcome.FAILED


def test_64_bits_are_no_loss_against_32() -> None:
    assert judge(files.tflite_float("float64"), "fp32").outcome is Outcome.PASSED
    said(judge(files.tflite_float("float64"), "fp16"), "float64 in t1")


@pytest.mark.parametrize("claimed", ["int8", "int8-io", "int16x8"])
def test_what_a_mask_is_put_into_stays_in_float_up_to_its_softmax_and_nothing_beside_it(claimed: str) -> None:
    def with_mask(hidden: bool, *kinds: str) -> Check:
        file = HONEST[claimed]()
        x = file.op("DEQUANTIZE", [file.ops[-1].inputs[0]], "float32", 1, 8, 8)
        for kind in kinds:
            alone = kind in ("SOFTMAX", "LOGISTIC")
            mask = [] if alone else [file.weight("float32", 1, 8, 8, finite=not hidden, mask=hidden)]
            x = file.op(kind, [x, *mask], "float32", 1, 8, 8)
        file.op("QUANTIZE", [x], "int16" if claimed == "int16x8" else "int8", 1, 8, 8, scales=1)
        return judge(file, claimed)

    assert with_mask(True, "ADD", "SOFTMAX").outcome is Outcome.PASSED
    said(with_mask(False, "ADD", "SOFTMAX"), "2 of .* operators still compute in float")
    said(with_mask(True, "ADD"), "NaN or Inf in the constants .*1 of .* operators still compute in float")
    said(with_mask(True, "BATCH_MATMUL", "SOFTMAX"), "NaN or Inf in .*2 of .* operators still compute in float")
    said(with_mask(True, "SOFTMAX", "ADD", "SOFTMAX", "LOGISTIC"), "2 of .* operators still compute in float")


def test_a_mask_before_a_softmax_is_no_broken_constant_and_nan_is() -> None:
    for broken, outcome in ((False, Outcome.PASSED), (True, Outcome.FAILED)):
        file = files.tflite_float()
        x = file.op("ADD", [0, file.weight("float32", 8, 8, finite=False, mask=not broken)], "float32", 8, 8)
        file.op("SOFTMAX", [x], "float32", 8, 8)
        assert judge(file, "fp32").outcome is outcome
