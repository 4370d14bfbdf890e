from __future__ import annotations

import dataclasses
import math

import sample_report

from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.report.figures import figures, key_numbers, points


def cell(**checks: dict[str, float | None]) -> Cell:
    made = tuple(Check(name, Outcome.PASSED, metrics=metrics) for name, metrics in checks.items())
    return dataclasses.replace(sample_report.passed().cells[0], checks=made)


def test_the_numbers_of_a_cell() -> None:
    assert key_numbers(sample_report.passed().cells[3]) == ("27.3 dB", "−0.3 pt", "0.1 ms")
    assert key_numbers(cell(parity={"snr_db": math.inf})) == ("∞ dB",)
    assert key_numbers(cell()) == ()


def test_a_missing_number_is_missing() -> None:
    found = figures(cell(latency={"latency_ms_p50": 2, "ratio": None}))
    assert (found.p50, found.ratio, found.snr_db, found.decision) == (2.0, None, None, "")


def test_a_drop_reads_as_a_loss() -> None:
    assert (points(0.3), points(-0.25), points(0.0), points(1e-9)) == ("−0.3", "+0.25", "0", "0")


def test_the_names_are_those_of_the_checks() -> None:
    import numpy as np

    from converters.contract import TensorSpec
    from pipeline import config
    from pipeline.checks.accuracy import check_accuracy
    from pipeline.checks.gates import parse_gates
    from pipeline.checks.parity import check_parity

    gates = parse_gates(config.load(None).gates)
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 400)
    scores = rng.normal(size=(400, 1, 4)) + 4 * np.eye(4)[targets][:, None]
    other = scores + 1e-7
    spec = TensorSpec("logits", (1, 4), "float64", meaning="logits")
    parity = check_parity({"logits": scores}, {"logits": other}, (spec,), gates.parity["fp32"])
    accuracy = check_accuracy(scores, other, targets, gates.accuracy["fp32"])
    found = figures(dataclasses.replace(sample_report.passed().cells[0], checks=(parity, accuracy)))
    for value in (found.snr_db, found.drop, found.drop_low, found.drop_high):
        assert value is not None


def test_a_cell_beside_its_home_says_how_far_it_is() -> None:
    assert key_numbers(cell(kernels={"equal_share": 1.0, "max_rel_range": 0.0, "max_steps": 0.0})) == ("bit-equal",)
    assert key_numbers(cell(kernels={"equal_share": 0.5, "max_rel_range": 0.01, "max_steps": 1.0})) == ("±1 step",)
    assert key_numbers(cell(kernels={"equal_share": 0.5, "max_rel_range": 1e-8, "max_steps": 0.0})) == ("equal steps",)
    assert key_numbers(cell(kernels={"equal_share": 0.5, "max_rel_range": 2.2e-7})) == ("±2e-07",)
    assert key_numbers(cell(kernels={})) == ()
