"""What becomes of one case: by whoever fails, and by the values."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_cases import WANT, case, way

from converters.errors import ModelError, ToolkitCrash, ToolkitError, ToolkitTimeout, UnsupportedError
from pipeline.configs import load_configs
from pipeline.coverage.trial import Result, Trial, attempt, judged

GATES = load_configs(None, None)[1]


class Pool:
    """Answers in the place of worker processes: an error to raise, or outputs."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def call(self, worker: str, target: str, timeout_s: float, **arguments: object) -> object:
        assert target == "converters.job:run_samples"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"y": WANT}, Result.RIGHT),
        ({"y": WANT * np.float32(1.01)}, Result.WRONG),
        ({"y": WANT[:, ::-1].copy()}, Result.WRONG),
        ({}, Result.WRONG),
        (UnsupportedError("no kernel"), Result.FAILED_AT_RUN),
        (ToolkitCrash("died"), Result.CRASHED),
        (ToolkitTimeout("slow"), Result.CRASHED),
    ],
)
def test_what_a_runtime_gives(answer, result, tmp_path) -> None:
    trial = attempt(case(tmp_path), way(), Pool(answer), GATES)
    assert trial.result is result
    assert trial.passed is (result is Result.RIGHT)
    assert bool(trial.reason) is (result is not Result.RIGHT)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (UnsupportedError("no such operator"), Result.REFUSED),
        (ToolkitError("it fell over"), Result.REFUSED),
        (ModelError("what it wrote is damaged"), Result.REFUSED),
        (ToolkitCrash("died of SIGSEGV"), Result.CRASHED),
        (ToolkitTimeout("slow"), Result.CRASHED),
    ],
)
def test_what_a_converter_says(error, result, tmp_path, monkeypatch) -> None:
    def converted(*_: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.coverage.trial._converted", converted)
    trial = attempt(case(tmp_path), way(), Pool({}), GATES)
    assert trial.result is result
    assert trial.reason == str(error)


def test_the_case_itself_counts_beside_the_other_inputs(tmp_path) -> None:
    """A runtime that shares a fault with the source's own is still not what the corpus expects."""
    made = case(tmp_path)
    arrays = dict(np.load(made.data))
    arrays["expected/y"] = arrays["expected/y"] + 1
    np.savez(made.data, **arrays)
    reason, passed = judged(made, made.artifact, {"y": WANT}, GATES)
    assert "output 'y'" in reason
    assert passed, "the two questions are asked apart"


def test_a_trial_survives_its_file() -> None:
    trial = Trial("a", "A", Result.WRONG, False, "off", ("note",), 1.5)
    assert Trial.from_json(trial.to_json()) == trial


def test_a_case_of_no_tensors_is_refused(tmp_path) -> None:
    import dataclasses

    bare = dataclasses.replace(case(tmp_path), artifact=None)
    assert attempt(bare, way(), Pool({}), GATES).result is Result.REFUSED
