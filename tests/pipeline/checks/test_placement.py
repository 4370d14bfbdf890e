from __future__ import annotations

import pytest

from pipeline.checks.gates import PlacementGate
from pipeline.checks.outcome import Outcome
from pipeline.checks.placement import check_placement

GATE = PlacementGate(device="gpu", min_share=0.75, reason="test")


def rows(gpu: int, cpu: int) -> list[tuple[str, str]]:
    return [("CONV_2D", "gpu")] * gpu + [("SOFTMAX", "cpu")] * cpu


@pytest.mark.parametrize(("gpu", "outcome"), [(4, Outcome.PASSED), (3, Outcome.PASSED), (2, Outcome.FAILED)])
def test_the_share_of_operators(gpu: int, outcome: Outcome) -> None:
    check = check_placement(rows(gpu, 4 - gpu), GATE)
    assert check.outcome is outcome
    assert check.metrics["share"] == gpu / 4


def test_a_failure_says_where_the_rest_runs() -> None:
    (reason,) = check_placement(rows(1, 3), GATE).reasons
    assert reason.startswith(
        "partial acceleration: 25% of the operators run on gpu, promised 75%. 3 on cpu: 3 SOFTMAX. "
    )
    (reason,) = check_placement(rows(0, 2), GATE).reasons
    assert reason.startswith("no acceleration: 0%")


def test_a_gate_of_zero_still_wants_one_operator() -> None:
    assert check_placement(rows(0, 4), PlacementGate("gpu", 0.0, "test")).outcome is Outcome.FAILED


def test_a_runtime_that_cannot_tell_is_no_pass() -> None:
    check = check_placement([], GATE)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)


def test_a_runtime_that_promises_nothing_is_no_pass() -> None:
    check = check_placement(rows(4, 0), None)
    assert (check.outcome, check.required) == (Outcome.NOT_RUN, False)
    assert check.metrics["on_gpu"] == 4
