"""Size, placement, coverage and latency each fail on their own faults."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pytest
from gates import files, mini
from gates.timings import PLAN, Machine, simulated

from converters.contract import Format, Precision
from converters.inspection import Inspection, Needs
from converters.timing import A, PairTimings, Plan, Round
from pipeline.checks.coverage import check_coverage
from pipeline.checks.latency import aa_error_rate, check_latency
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.placement import check_placement
from pipeline.checks.requirements import check_requirements
from pipeline.checks.size import check_size

GATES = mini.gates()


def said(check: Check, pattern: str) -> None:
    assert check.outcome is Outcome.FAILED
    assert re.search(pattern, " ".join(check.reasons)), check.reasons


@pytest.mark.parametrize(
    ("precision", "size", "fp32", "parameters"),
    [("fp32", 144_000, 144_000, 30_000), ("fp16", 78_000, 144_000, 30_000), ("int8", 52_000, 144_000, 30_000)],
)
def test_honest_sizes_pass(precision: str, size: int, fp32: int, parameters: int) -> None:
    assert check_size(size, fp32, parameters, GATES.size[Precision(precision)]).outcome is Outcome.PASSED


def test_a_float_file_called_int8_is_too_large() -> None:
    said(check_size(144_000, 144_000, 30_000, GATES.size[Precision.INT8]), "144,000 bytes, 1.00 of the fp32 file")


def test_a_file_with_unfrozen_variables_is_too_small() -> None:
    said(
        check_size(27_000, 27_000, 30_000, GATES.size[Precision.FP32]), "weights are missing; were the variables frozen"
    )


def test_an_empty_file_fails() -> None:
    said(check_size(0, None, None, GATES.size[Precision.FP32]), "empty")


def test_a_delegate_that_took_nothing_fails() -> None:
    gate = GATES.placement["litert-xnnpack"]
    said(check_placement([("CONV_2D", "builtin")] * 4, gate), "0% of the operators run on xnnpack, .* 4 on builtin")


INT8 = files.tflite_int8().inspection()


def needing(version: str, claimed: str = "") -> Inspection:
    return dataclasses.replace(INT8, needs=Needs("TensorFlow Lite", version, "CONV_2D of version 5", claimed))


def test_a_file_that_claims_what_it_needs_passes() -> None:
    check = check_requirements(needing("2.4.0", "2.10.0"), GATES.requirements[Format.TFLITE])
    assert check.outcome is Outcome.PASSED
    assert check.metrics["least_version"] == "2.4.0"


def test_a_file_that_claims_an_older_runtime_than_it_needs_fails() -> None:
    said(
        check_requirements(needing("2.10.0", "2.9.1"), None), r"claims TensorFlow Lite 2.9.1, and needs 2.10.0 for CONV"
    )


def test_a_file_that_needs_a_newer_runtime_than_apps_have_fails() -> None:
    gate = dataclasses.replace(GATES.requirements[Format.TFLITE], newest="2.3.1")
    said(check_requirements(needing("2.4.0"), gate), "apps are promised to need no more than 2.3.1")


def test_a_file_of_which_no_table_tells_is_not_judged() -> None:
    for needs in (None, Needs("TensorFlow Lite", "")):
        check = check_requirements(dataclasses.replace(INT8, needs=needs), None)
        assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)


def test_copies_of_one_image_fail() -> None:
    one = {"image": np.repeat(mini.images(1), 64, axis=0)}
    said(check_coverage(one, None, None, GATES.coverage), "only 1 of 64 golden samples differ")


def test_no_golden_samples_fail() -> None:
    said(check_coverage({"image": mini.images()[:0]}, None, None, GATES.coverage), "0")


def test_a_class_never_shown_fails() -> None:
    said(check_coverage({"image": mini.images()}, np.zeros(128), 5, GATES.coverage), "show 1 of 5 classes")


def test_a_surely_slower_file_fails_where_speed_is_judged() -> None:
    gate = dataclasses.replace(GATES.latency, max_ratio=1.2, reason="test")
    said(check_latency(simulated(1, effect=1.6), gate), "takes 1.[56].* of the baseline's time")
    assert check_latency(simulated(1, effect=1.0), gate).outcome is Outcome.PASSED
    assert check_latency(simulated(1, effect=1.2), gate).outcome is Outcome.UNDECIDED


def trial(number: int, take: Callable[[Machine, Plan, int], Round]) -> PairTimings:
    """A file against itself, by a harness that may have a fault."""
    machine = Machine(number)
    rounds = [take(machine, PLAN, index) for index in range(15)]
    return PairTimings.of(rounds, PLAN, 1, 15.0)


def cold(machine: Machine, plan: Plan, number: int) -> Round:
    """Only b is warmed up."""
    made = machine.take(plan, number)
    made.seconds[A] *= 1.06
    return made


def fixed_order(machine: Machine, plan: Plan, number: int) -> Round:
    """a always comes first, where the machine is slower."""
    made = machine.take(plan, number)
    made.seconds[A] *= 1.03
    return made


def unread(machine: Machine, plan: Plan, number: int) -> Round:
    """The outputs of a are not read: only half of its work is timed."""
    made = machine.take(plan, number)
    made.seconds[A] *= 0.5
    return made


@pytest.mark.parametrize("fault", [cold, fixed_order, unread])
def test_a_fault_of_the_harness_shows_as_a_file_that_differs_from_itself(
    fault: Callable[[Machine, Plan, int], Round],
) -> None:
    assert aa_error_rate(lambda number: trial(number, fault), 20, GATES.latency) > 0.5
    assert aa_error_rate(lambda number: trial(number, Machine.take), 40, GATES.latency) <= 0.05
