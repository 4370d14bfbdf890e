"""Size, placement, coverage and latency each fail on their own faults."""

from __future__ import annotations

import re

import numpy as np
import pytest
from gates import mini
from gates.timings import simulated

from converters.contract import Precision
from pipeline.checks.coverage import check_coverage
from pipeline.checks.gates import LatencyGate
from pipeline.checks.latency import aa_error_rate, check_latency
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.placement import check_placement
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


def test_copies_of_one_image_fail() -> None:
    one = {"image": np.repeat(mini.images(1), 64, axis=0)}
    said(check_coverage(one, None, None, GATES.coverage), "only 1 of 64 golden samples differ")


def test_no_golden_samples_fail() -> None:
    said(check_coverage({"image": mini.images()[:0]}, None, None, GATES.coverage), "0")


def test_a_class_never_shown_fails() -> None:
    said(check_coverage({"image": mini.images()}, np.zeros(128), 5, GATES.coverage), "show 1 of 5 classes")


def test_a_surely_slower_file_fails_where_speed_is_judged() -> None:
    gate = LatencyGate(confidence=0.99, min_rounds=6, max_ratio=1.2, reason="test")
    said(check_latency(simulated(1, effect=1.6), gate), "takes 1.[56].* of the baseline's time")
    assert check_latency(simulated(1, effect=1.0), gate).outcome is Outcome.PASSED


@pytest.mark.parametrize("noise", ["usual", "quiet", "sessions differ", "many spikes"])
def test_a_file_is_called_faster_or_slower_than_itself_in_few_of_200_trials(noise: str) -> None:
    assert aa_error_rate(lambda trial: simulated(trial, noise=noise), 200, GATES.latency) <= 0.05


def test_the_error_rate_is_not_bought_by_never_deciding() -> None:
    found = aa_error_rate(lambda trial: simulated(trial, effect=1.2), 50, GATES.latency)
    assert found >= 0.9
