"""The harness itself, its rehearsal and its rounds, on sessions that stay fast or slow for life and are interrupted."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gates import mini, sleeper

from converters import registry
from converters.timing import Pairing
from pipeline.checks.latency import compare
from pipeline.checks.sequential import time_in_worker

GATE = mini.gates().latency
TRIALS = 60


def call(target: str, **arguments: Any) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(**arguments)


@pytest.fixture
def decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The decisions of many trials of a file of some microseconds beside one of 100."""
    monkeypatch.setattr(registry, "toolkits", lambda: (SimpleNamespace(RUNTIMES=(sleeper.RUNTIME,)),))
    monkeypatch.setattr(sleeper, "RNG", np.random.default_rng(1))
    samples = tmp_path / "samples.npz"
    np.savez(samples, **{"input/x": np.zeros((8, 1, 3), np.float32)})

    def decisions(micros: float, trials: int) -> list[str]:
        a = sleeper.artifact(tmp_path / "a", micros, warm_up_calls=5, noise=0.01)
        b = sleeper.artifact(tmp_path / "b", 100, warm_up_calls=5, noise=0.01)
        pairing = Pairing("sleeper", a, "sleeper", b, samples)
        return [compare(time_in_worker(call, pairing, GATE, 0.1, seed), GATE).decision for seed in range(trials)]

    return decisions


def test_a_file_is_called_different_from_itself_in_few_trials(decide: Any) -> None:
    found = decide(100, TRIALS)
    assert found.count("faster") + found.count("slower") <= 0.05 * TRIALS


def test_what_takes_5_percent_longer_is_found(decide: Any) -> None:
    assert decide(105, 20).count("slower") >= 15
