from __future__ import annotations

import copy

from benchmarks.devices import read
from pipeline.checks.outcome import Outcome


def cell(runtime, precision, **metrics):
    return {
        "id": f"m_torch_litert_{precision}@{runtime}",
        "runtime": runtime,
        "precision": precision,
        "outcome": "PASSED",
        "reasons": [],
        "metrics": {f"kernels.{name}": value for name, value in metrics.items()},
    }


REPORT = {
    "cells": [
        cell(f"{family}[{device}]", precision, equal_share=0.9, max_rel_range=far, max_steps=1.0)
        for family in ("litert-gpu", "litert-arm64", "litert-web")
        for precision in ("fp32", "int8", "int8-io")
        for device, far in (("one", 1e-8), ("two", 3e-7))
    ]
}


def test_each_device_has_its_worst_cell_beside_the_goal():
    figures = list(read(REPORT))
    assert [figure.value for figure in figures] == [3e-7, 1.0] * 3
    assert {figure.outcome for figure in figures} == {Outcome.PASSED}
    assert "worst of 2 cells (litert-gpu[two]); 90.0% of the values are bit-equal" in figures[0].detail


def test_a_device_that_is_not_here_is_not_run_with_its_reason_and_one_that_fails_is_broken():
    report = copy.deepcopy(REPORT)
    for each in report["cells"]:
        if each["runtime"] == "litert-gpu[one]":
            each.update(outcome="NOT_RUN", reasons=["parity: no driver; to have it: make setup-gpu"], metrics={})
        if each["runtime"] == "litert-web[one]":
            each.update(outcome="CRASHED", reasons=["parity: the browser died"], metrics={})
    figures = list(read(report))
    assert [figure.outcome for figure in figures[:2]] == [Outcome.NOT_RUN] * 2
    assert "make setup-gpu" in figures[0].detail
    assert [figure.outcome for figure in figures[4:]] == [Outcome.FAILED] * 2
    assert "the browser died" in figures[4].detail


def test_what_a_device_refuses_is_said_and_not_counted():
    report = copy.deepcopy(REPORT)
    for each in report["cells"]:
        if each["runtime"] == "litert-web[one]" and each["precision"] == "int8-io":
            each.update(outcome="UNSUPPORTED", reasons=["parity: INT8 is not supported"], metrics={})
    figure = list(read(report))[5]
    assert figure.outcome is Outcome.PASSED
    assert "worst of 3 cells" in figure.detail
    assert "1 more UNSUPPORTED: parity: INT8 is not supported" in figure.detail
