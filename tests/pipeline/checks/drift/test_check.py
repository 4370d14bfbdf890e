from __future__ import annotations

import dataclasses

import pytest

from converters.errors import ModelError, ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError, UnsupportedError
from pipeline.checks.drift.check import SHOWN, check_drift, worst_layer
from pipeline.checks.drift.suspects import Drift, Layer, Side, Suspect
from pipeline.checks.outcome import Outcome

CONV = Side(3, "CONV_2D", ("features/relu",))
SAME = Drift(
    "net in torch",
    "net_fp32.tflite",
    Outcome.PASSED,
    (),
    {"ops": 4, "ops_aligned": 1.0, "weights_compared": 1.0, "ops_isolated": 2},
    layers=(
        Layer(Side(2, "conv2d"), None),
        Layer(Side(3, "relu"), CONV, 127.5),
        Layer(Side(4, "mean"), Side(4, "MEAN", ("mean",)), 121.0),
    ),
)
STRIDE = Suspect(
    "attribute",
    dataclasses.replace(CONV, op_index=2, op_type="conv2d", parameters={"stride": [1, 1]}),
    dataclasses.replace(CONV, parameters={"stride": [2, 2]}),
    "off by up to 0.5 of the range",
    "the stride is 2, not 1",
)
OTHER = dataclasses.replace(SAME, outcome=Outcome.FAILED, suspects=(STRIDE,))


def test_the_same_model_passes_and_says_how_much_of_it_was_looked_at() -> None:
    check = check_drift(SAME)
    assert (check.name, check.outcome, check.required) == ("drift", Outcome.PASSED, True)
    assert check.metrics["against"] == "net in torch"
    assert check.metrics["ops_aligned"] == check.metrics["weights_compared"] == 1.0
    assert (check.metrics["worst_layer"], check.metrics["worst_layer_snr_db"]) == ("MEAN 4 (mean)", 121.0)


def test_a_suspect_fails_the_cell_by_layer_cause_measure_and_both_sides() -> None:
    check = check_drift(OTHER)
    assert (check.outcome, check.required) == (Outcome.FAILED, True)
    assert check.reasons == (
        "CONV_2D 3 (features/relu): the stride is 2, not 1 (off by up to 0.5 of the range); "
        "right stride [1, 1]; here stride [2, 2]",
    )


def test_a_layer_that_is_missing_is_told_by_the_reference() -> None:
    gone = dataclasses.replace(STRIDE, b=Side(None, ""), cause="a layer is missing")
    (reason,) = check_drift(dataclasses.replace(OTHER, suspects=(gone,))).reasons
    assert reason.startswith("conv2d 2 (features/relu): a layer is missing")


def test_many_suspects_are_counted_and_the_first_are_told() -> None:
    check = check_drift(dataclasses.replace(OTHER, suspects=(STRIDE,) * (SHOWN + 7)))
    assert len(check.reasons) == SHOWN + 1
    assert check.reasons[-1] == "and 7 suspects more: see the report's layers"
    assert check.metrics["suspects"] == SHOWN + 7


def test_what_is_made_from_another_model_is_another_model() -> None:
    quantized = dataclasses.replace(SAME, a="net_fp32.tflite", b="net_int8.tflite")
    assert check_drift(quantized, SAME).metrics["origin_against"] == "net in torch"
    check = check_drift(quantized, OTHER)
    assert check.outcome is Outcome.FAILED
    assert check.reasons[0].startswith("net_fp32.tflite, from which this file is made, is not net in torch: CONV_2D 3")


@pytest.mark.parametrize(
    ("error", "outcome", "required"),
    [
        (UnsupportedError("nobody looks inside pte models"), Outcome.UNSUPPORTED, False),
        (UnavailableError("pip install x"), Outcome.NOT_RUN, False),
        (ToolkitTimeout("too slow"), Outcome.TIMED_OUT, False),
        (ToolkitCrash("died of SIGSEGV"), Outcome.CRASHED, False),
        (ModelError("cannot be read as a graph"), Outcome.FAILED, True),
        (ToolkitError("KeyError: 7"), Outcome.FAILED, True),
    ],
)
def test_what_cannot_be_looked_into_is_not_proved_and_only_a_fault_of_the_file_is_red(error, outcome, required) -> None:
    check = check_drift(error)
    assert (check.outcome, check.required) == (outcome, required)
    assert check.reasons == (f"not proved layer by layer: {error}",)


def test_an_origin_that_nobody_looks_into_leaves_the_comparison_standing() -> None:
    assert check_drift(SAME, UnsupportedError("nobody looks inside torch models")).outcome is Outcome.PASSED


def test_nothing_known_and_nothing_compared_prove_nothing() -> None:
    check = check_drift(None)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert "edge-export drift ORIGIN FILE" in check.reasons[0]
    check = check_drift(dataclasses.replace(SAME, coverage={"ops": 4, "ops_aligned": 0.0, "weights_compared": None}))
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert "no layer of net_fp32.tflite has a partner in net in torch" in check.reasons[0]


def test_the_worst_layer_is_the_one_of_least_signal_to_error_among_those_with_values() -> None:
    assert worst_layer(SAME.layers) == SAME.layers[2]
    assert worst_layer(SAME.layers[:1]) is None
