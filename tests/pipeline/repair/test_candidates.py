from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.contract import Artifact
from converters.errors import DataError
from pipeline.checks.outcome import Outcome
from pipeline.configs import load_configs
from pipeline.repair.candidates import Bench
from pipeline.repair.problem import Problem, of_file

Made = Callable[..., Bench]


def test_nothing_is_made_or_judged_twice(bench: Made) -> None:
    made = bench("relu")
    heard: list[object] = []
    made.said = heard.append
    first = made.candidate({"ranges": "minmax", "keep": ["deep"]})
    assert made.candidate({"keep": ["deep"], "ranges": "minmax"}) is first
    assert made.candidate({"keep": ["^deep$"], "ranges": "minmax"}).artifact.sha256 == first.artifact.sha256
    assert heard == [first]
    assert made.files == [first]


def test_a_candidate_that_surely_lost_is_given_up_early(bench: Made) -> None:
    made = bench("blocked")
    bad = made.candidate({"ranges": "mse", "keep": []})
    good = made.candidate({"keep": ["hidden", "same", "deep"]})
    assert good.samples == made.count == 1000
    assert bad.samples <= made.count
    assert good.worth > bad.worth
    assert good.drop_points is not None


def test_labels_that_do_not_fit_are_said_before_anything_is_made(
    nets: dict[str, Artifact], data: Callable[..., Path], tools: object, tmp_path: Path
) -> None:
    with np.load(data("relu")) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["labels"] = np.random.default_rng(0).permutation(arrays["labels"])
    np.savez(tmp_path / "wrong.npz", allow_pickle=False, **arrays)
    problem = of_file(nets["relu"].path, str(tmp_path / "wrong.npz"), 64, tmp_path, *tools)
    _, gates = load_configs(None, None)
    with pytest.raises(DataError, match=r"relu\.tflite cannot be judged by these data: labels do not fit"):
        Bench(problem, None, gates, tmp_path, *tools)


def test_without_labels_outputs_are_held_against_the_float_file(bench: Made) -> None:
    made = bench("relu", labels=False)
    assert "no labels" in made.problem.notes[-1]
    found = made.candidate({"equalize": True})
    assert found.accuracy is None
    assert found.drop_points is None
    assert found.agreement is not None
    assert found.check.name == "parity"
    assert found.snr_db > 20


def test_the_gate_is_that_of_int8_with_the_drop_that_was_asked(bench: Made) -> None:
    _, gates = load_configs(None, None)
    assert bench("relu").gate == next(g for p, g in gates.accuracy.items() if p == "int8")
    assert bench("relu", target_drop=3.0).gate.max_drop_points == 3.0


def test_where_data_cannot_tell_the_best_estimate_decides(bench: Made) -> None:
    made = bench("relu", target_drop=1.0)
    small = made.problem.__class__(**{**vars(made.problem), **_first(made.problem, 150)})
    few = Bench(small, 1.0, made.gates, made.folder, made.pool, made.limits)
    assert few.at_best.outcome is Outcome.UNDECIDED
    assert few.passes(few.candidate({"equalize": True}))


def _first(problem: Problem, count: int) -> dict[str, object]:
    inputs = {name: values[:count] for name, values in problem.inputs.items()}
    return {"inputs": inputs, "targets": problem.targets[:count]}
