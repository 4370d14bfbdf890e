from __future__ import annotations

import dataclasses

import pytest

from pipeline.checks.gates import SizeGate
from pipeline.checks.outcome import Outcome
from pipeline.checks.size import check_size

GATE = SizeGate(max_ratio=0.5, max_graph_ratio=1.5, overhead_bytes=100, min_bytes_per_parameter=1.0, reason="test")


@pytest.mark.parametrize(("size", "outcome"), [(600, Outcome.PASSED), (601, Outcome.FAILED)])
def test_the_ratio_and_the_overhead(size: int, outcome: Outcome) -> None:
    check = check_size(size, 1000, None, GATE)
    assert check.outcome is outcome
    assert check.metrics["ratio_to_fp32"] == size / 1000
    assert check.metrics["largest_allowed_bytes"] == 600


@pytest.mark.parametrize(("size", "outcome"), [(250, Outcome.PASSED), (249, Outcome.FAILED)])
def test_the_least_size(size: int, outcome: Outcome) -> None:
    assert check_size(size, None, 250, GATE).outcome is outcome


def test_nothing_to_compare_with_is_no_pass() -> None:
    check = check_size(100, None, None, GATE)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)


def test_both_bounds_are_said() -> None:
    assert len(check_size(700, 1000, 800, GATE).reasons) == 2


@pytest.mark.parametrize(("size", "outcome"), [(1400, Outcome.PASSED), (1401, Outcome.FAILED)])
def test_the_graph_of_a_small_model_does_not_shrink(size: int, outcome: Outcome) -> None:
    assert check_size(size, 1000, 50, GATE).outcome is outcome  # 200 bytes of weights: 100 + 1200 + 100


def test_constants_that_stay_in_float_may_take_their_room() -> None:
    gate = SizeGate(max_ratio=0.35, max_graph_ratio=1.0, overhead_bytes=0, min_bytes_per_parameter=0.5, reason="")
    assert check_size(500, 1000, 250, gate).outcome is Outcome.FAILED
    assert check_size(500, 1000, 250, gate, wide_bytes=195).outcome is Outcome.PASSED
    assert check_size(560, 1000, 250, gate, wide_bytes=195).outcome is Outcome.FAILED


def test_scales_a_channel_are_allowed_for():
    """A MobileNetV3 of 134,000 weights holds 3,000 of them."""
    gate = dataclasses.replace(GATE, max_ratio=0.35, max_graph_ratio=1.5, overhead_bytes=100)
    assert check_size(500, 1000, 250, gate).outcome is Outcome.FAILED
    assert check_size(500, 1000, 250, gate, scales=10).outcome is Outcome.PASSED
    assert check_size(1000, 1000, 250, gate, scales=10).outcome is Outcome.FAILED


def test_operators_that_only_quantize_are_allowed_for_and_hide_no_weights_left_in_float():
    """An int8 ONNX file of a text classifier of 134,000 weights holds 404 of them: 318,454 bytes of 583,352."""
    gate = dataclasses.replace(GATE, max_ratio=0.35, max_graph_ratio=1.5, overhead_bytes=32_768)
    assert check_size(318_454, 583_352, 133_853, gate).outcome is Outcome.FAILED
    assert check_size(318_454, 583_352, 133_853, gate, turns=404).outcome is Outcome.PASSED
    assert check_size(318_454 + 3 * 133_853, 583_352, 133_853, gate, turns=404).outcome is Outcome.FAILED
